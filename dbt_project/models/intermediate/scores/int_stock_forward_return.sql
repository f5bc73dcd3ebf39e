-- From the close of the first trading day after a score to the close of
-- score_return_days later. What is suspended at the end keeps its last price, and so
-- does what has left the exchange by then.
{%- set days = var("score_return_days") %}

with score_week as (
    select trade_week,
    from {{ ref("int_stock_score_weekly") }}
    group by trade_week
),

trading_day as (
    select
        trade_date,
        day_index,
    from {{ ref("int_trading_day") }}
    where is_loaded
),

span as (
    select
        score_week.trade_week,
        first_day.trade_date as first_date,
        last_day.trade_date as known_date,
        first_day.day_index as first_index,
        last_day.day_index as last_index,
    from score_week
    inner join {{ ref("int_trading_day") }} as score_day
        on score_week.trade_week = score_day.trade_date
    inner join trading_day as first_day
        on score_day.day_index + 1 = first_day.day_index
    inner join trading_day as last_day
        on score_day.day_index + 1 + {{ days }} = last_day.day_index
),

price as (
    select
        trade_date,
        security_code,
        adjusted_close,
    from {{ ref("int_security_day") }}
),

status as (
    select
        trade_date,
        security_code,
        is_suspended,
        closes_at_limit_up,
    from {{ ref("int_tradability_day") }}
),

leaver as (
    select
        security.security_code,
        max(price.trade_date) as last_date,
        arg_max(price.adjusted_close, price.trade_date) as last_close,
    from {{ ref("stg_security") }} as security
    inner join price on security.security_code = price.security_code
    where security.delist_date is not null
    group by security.security_code
)

select
    span.trade_week,
    first_price.security_code,
    span.first_date,
    span.known_date,
    not status.is_suspended and not status.closes_at_limit_up as is_buyable,
    coalesce(
        last_price.adjusted_close,
        case when leaver.last_date < span.known_date then leaver.last_close end
    ) / first_price.adjusted_close - 1 as forward_return,
from span
inner join price as first_price on span.first_date = first_price.trade_date
inner join status
    on
        span.first_date = status.trade_date
        and first_price.security_code = status.security_code
left join price as last_price
    on
        span.known_date = last_price.trade_date
        and first_price.security_code = last_price.security_code
left join leaver on first_price.security_code = leaver.security_code
