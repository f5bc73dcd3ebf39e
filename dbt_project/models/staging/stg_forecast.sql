{{ current_rows("forecast") }}
