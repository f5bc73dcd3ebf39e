{{ current_rows("trading_calendar") }}
