{{ current_rows("price_limit") }}
