{%- set blocks = ["open", "close", "suspension", "open_limit", "close_limit"] -%}

-- Days on which a stock cannot be bought or sold freely, with the first day from which
-- on it can be sold: such days come in runs, and a run's last day is found by counting.
with trading_day as (
    select
        trade_date,
        day_index,
    from {{ ref("int_trading_day") }}
    where is_loaded
),

blocked as (
    select
        tradability_day.security_code,
        tradability_day.trade_date,
        trading_day.day_index,
        tradability_day.is_suspended,
        false as is_gone,
        tradability_day.opens_at_limit_up,
        tradability_day.opens_at_limit_down,
        tradability_day.closes_at_limit_up,
        tradability_day.closes_at_limit_down,
    from {{ ref("int_tradability_day") }} as tradability_day
    inner join trading_day on tradability_day.trade_date = trading_day.trade_date
    where
        tradability_day.is_suspended
        or tradability_day.opens_at_limit_up
        or tradability_day.opens_at_limit_down
        or tradability_day.closes_at_limit_up
        or tradability_day.closes_at_limit_down
),

-- What is delisted can no longer be bought; what is still held is booked out.
gone as (
    select
        security.security_code,
        min(trading_day.trade_date) as trade_date,
        min(trading_day.day_index) as day_index,
    from {{ ref("stg_security") }} as security
    inner join trading_day on security.delist_date <= trading_day.trade_date
    group by security.security_code
),

united as (
    select
        security_code,
        trade_date,
        day_index,
        is_suspended,
        is_gone,
        opens_at_limit_up,
        opens_at_limit_down,
        closes_at_limit_up,
        closes_at_limit_down,
    from blocked
    union all
    select
        security_code,
        trade_date,
        day_index,
        false as is_suspended,
        true as is_gone,
        false as opens_at_limit_up,
        false as opens_at_limit_down,
        false as closes_at_limit_up,
        false as closes_at_limit_down,
    from gone
),

judged as (
    select
        *,
        is_suspended or opens_at_limit_down as is_open,
        is_suspended or closes_at_limit_down as is_close,
        is_suspended as is_suspension,
        opens_at_limit_down as is_open_limit,
        closes_at_limit_down as is_close_limit,
    from united
),

-- Within a run of blocked days, the day's number and the count of such days rise alike.
numbered as (
    select
        *,
        {%- for block in blocks %}
        case
            when is_{{ block }}
                then day_index - count(*) filter (where is_{{ block }}) over so_far
        end as {{ block }}_run,
        {%- endfor %}
    from judged
    window so_far as (
        partition by security_code
        order by day_index
        rows between unbounded preceding and current row
    )
)

select
    security_code,
    trade_date,
    is_suspended,
    is_gone,
    opens_at_limit_up,
    opens_at_limit_down,
    closes_at_limit_up,
    closes_at_limit_down,
    {%- for block in blocks %}
    case
        when {{ block }}_run is not null
            then 1 + max(day_index) over (partition by security_code, {{ block }}_run)
    end as {{ block }}_exit_index,
    {%- endfor %}
from numbered
