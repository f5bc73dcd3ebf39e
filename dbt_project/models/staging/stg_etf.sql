{{ current_rows("etf") }}
