{{ current_rows("analyst_report") }}
