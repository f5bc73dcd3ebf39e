{{ current_rows("margin_balance") }}
