with trading_day as (
    select trade_date,
    from {{ ref("int_trading_day") }}
    where is_loaded
),

limit_up as (
    select
        tradability.trade_date,
        tradability.security_code,
        tradability.is_one_price_limit,
        security_day.traded_days,
        tradability.listed_days <= {{ var("limit_up_listing_days") }} as is_new_listing,
    from {{ ref("int_tradability_day") }} as tradability
    inner join trading_day on tradability.trade_date = trading_day.trade_date
    inner join {{ ref("int_security_day") }} as security_day
        on
            tradability.trade_date = security_day.trade_date
            and tradability.security_code = security_day.security_code
    where
        tradability.closes_at_limit_up
        and not tradability.is_st
),

-- Days without trading neither lengthen a run nor end it: traded days of a run count on
-- by one, so that they less their number is the same for all of them.
numbered as (
    select
        *,
        traded_days - row_number() over (
            partition by security_code
            order by traded_days
        ) as run_number,
    from limit_up
)

select
    cast(trade_date as date) as trade_date,
    cast(security_code as varchar) as security_code,
    cast(row_number() over so_far as bigint) as run_days,
    cast(first_value(trade_date) over so_far as date) as run_start_date,
    cast(first_value(is_new_listing) over so_far as boolean) as is_listing_run,
    cast(is_one_price_limit as boolean) as is_one_price_limit,
from numbered
window so_far as (
    partition by security_code, run_number
    order by traded_days
    rows between unbounded preceding and current row
)
