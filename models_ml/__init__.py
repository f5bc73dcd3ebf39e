"""Tensors and text: panels, networks, training, scoring, and how well they do.

Add what SQL cannot compute here. Keep data stores, orchestration and anything an
analyst sees as a table out: those are ``warehouse``, ``dagster_defs``, ``dbt_project``.
"""
