{{ current_rows("share_capital") }}
