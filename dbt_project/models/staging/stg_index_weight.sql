{{ current_rows("index_weight") }}
