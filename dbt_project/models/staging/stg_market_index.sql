{{ current_rows("market_index") }}
