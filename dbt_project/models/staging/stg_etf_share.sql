{{ current_rows("etf_share") }}
