{{ current_rows("order_tick") }}
