{{
    config(
        materialized="incremental",
        incremental_strategy="rewrite_window",
        on_schema_change="fail",
        meta={"window_column": "trade_week"},
    )
}}

with trading_day as (
    select
        trade_date,
        trade_week,
        previous_trade_week,
        trade_date = min(trade_date) over (partition by trade_week) as is_first_day,
    from {{ ref("int_trading_day") }}
    where is_week_complete
),

-- A delisted stock's week ends with its last day.
week_price as (
    select
        security_day.security_code,
        trading_day.trade_week,
        trading_day.previous_trade_week,
        arg_max(security_day.adjusted_close, security_day.trade_date) as last_close,
        max(security_day.adjusted_open) filter (
            where trading_day.is_first_day
        ) as first_open,
    from {{ ref("int_security_day") }} as security_day
    inner join trading_day on security_day.trade_date = trading_day.trade_date
    where {{ in_build_window("security_day.trade_date", lookback_days=15) }}
    group by
        security_day.security_code,
        trading_day.trade_week,
        trading_day.previous_trade_week
),

first_day_status as (
    select
        trading_day.trade_week,
        tradability.security_code,
        not tradability.is_suspended
        and not tradability.opens_at_limit_up as is_buyable_at_open,
        not tradability.is_suspended
        and not tradability.opens_at_limit_down as is_sellable_at_open,
    from {{ ref("int_tradability_day") }} as tradability
    inner join trading_day on tradability.trade_date = trading_day.trade_date
    where
        trading_day.is_first_day
        and {{ in_build_window("tradability.trade_date", lookback_days=15) }}
)

select
    week_price.trade_week,
    week_price.security_code,
    week_price.previous_trade_week as previous_week,
    week_price.last_close / week_before.last_close - 1 as paper_return,
    week_price.last_close / week_price.first_open - 1 as tradable_return,
    week_price.first_open is not null
    and coalesce(first_day_status.is_buyable_at_open, false) as is_buyable_at_open,
    week_price.first_open is not null
    and coalesce(first_day_status.is_sellable_at_open, false) as is_sellable_at_open,
from week_price
inner join week_price as week_before
    on
        week_price.previous_trade_week = week_before.trade_week
        and week_price.security_code = week_before.security_code
left join first_day_status
    on
        week_price.trade_week = first_day_status.trade_week
        and week_price.security_code = first_day_status.security_code
where {{ in_build_window("week_price.trade_week") }}
