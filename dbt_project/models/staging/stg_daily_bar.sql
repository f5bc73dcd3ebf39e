{{ current_rows("daily_bar") }}
