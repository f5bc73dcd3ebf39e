{{ current_rows("minute_bar") }}
