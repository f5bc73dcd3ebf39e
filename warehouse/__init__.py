"""The store: contracts of the raw tables, loading, sources, publication, queries.

Put here whatever reads or writes the DuckDB files. Numbers an analyst sees are made in
``dbt_project``; schedules live in ``dagster_defs``; networks live in ``models_ml``.
"""
