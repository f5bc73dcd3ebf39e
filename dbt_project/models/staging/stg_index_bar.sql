{{ current_rows("index_bar") }}
