"""Reports for people: read the published warehouse, write files.

Put a page here when it can be made from published tables alone. Numbers are computed in
``dbt_project``; here they are chosen and formatted. Keep every query that an analyst
might reuse in ``sql/queries`` instead.
"""
