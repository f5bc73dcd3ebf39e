{{ current_rows("etf_bar") }}
