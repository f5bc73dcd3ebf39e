{{ current_rows("st_status") }}
