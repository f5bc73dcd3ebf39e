with trading_day as (
    select
        trade_date,
        day_index,
    from {{ ref("int_trading_day") }}
),

market as (
    select
        trade_date,
        {{ exact_sum("previous_float_cap_cny * daily_return", 6) }}
        / nullif(
            {{ exact_sum("previous_float_cap_cny", 6, "daily_return is not null") }}, 0
        ) as market_return,
    from {{ ref("int_security_day") }}
    group by trade_date
),

rate as (
    select
        valid_from,
        rate_percent,
    from {{ ref("deposit_rate") }}
),

risk_free as (
    select
        trading_day.trade_date,
        trading_day.day_index,
        -- 242 trading days a year.
        rate.rate_percent / 100 / 242 as risk_free_return,
    from trading_day
    asof left join rate on trading_day.trade_date >= rate.valid_from
)

select
    risk_free.trade_date,
    risk_free.day_index,
    market.market_return,
    risk_free.risk_free_return,
    cast(
        sum(cast(ln(1 + risk_free.risk_free_return) as decimal(38, 20))) over (
            order by risk_free.day_index
            rows between unbounded preceding and current row
        ) as double
    ) as risk_free_log_sum,
from risk_free
left join market on risk_free.trade_date = market.trade_date
