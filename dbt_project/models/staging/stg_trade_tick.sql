{{ current_rows("trade_tick") }}
