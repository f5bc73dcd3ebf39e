{{ current_rows("index_member") }}
