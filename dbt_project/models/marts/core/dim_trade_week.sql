with trading_day as (
    select
        trade_date,
        trade_week,
        previous_trade_week,
        next_trade_week,
        is_month_end,
        is_week_complete,
        is_loaded,
    from {{ ref("int_trading_day") }}
)

select
    cast(trade_week as date) as trade_week,
    cast(min(trade_date) as date) as first_day,
    cast(max(trade_date) as date) as last_day,
    cast(count(*) as bigint) as day_count,
    cast(any_value(previous_trade_week) as date) as previous_week,
    cast(any_value(next_trade_week) as date) as next_week,
    cast(bool_or(is_month_end) as boolean) as is_month_end,
    cast(bool_and(is_week_complete) as boolean) as is_complete,
from trading_day
group by trade_week
-- Weeks that have begun; later ones are known to the calendar only.
having bool_or(is_loaded)
