"""When the warehouse is refreshed: assets, partitions, schedules, sensors and checks.

Each module holds one concept of Dagster and ``build`` puts them together. Add an asset
or a check to the module of its name; keep out how a number is made (``dbt_project``)
and how files are read and published (``warehouse``).
"""
