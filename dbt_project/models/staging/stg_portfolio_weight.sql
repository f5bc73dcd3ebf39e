{{ current_rows("portfolio_weight") }}
