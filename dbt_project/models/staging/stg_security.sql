{{ current_rows("security") }}
