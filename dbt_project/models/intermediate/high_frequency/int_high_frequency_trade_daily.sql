{{
    config(
        materialized="incremental",
        incremental_strategy="rewrite_window",
        on_schema_change="fail",
    )
}}

{%- set minimum = var("high_frequency_minimum_bars") %}

with trade as (
    select
        security_code,
        cast(trade_time as date) as trade_date,
        trade_time,
        trade_number,
        {{ tick_minute("trade_time") }} as session_minute,
        {{ ten_thousandths("price_cny") }} as price,
        {{ ten_thousandths("price_cny * volume_shares") }} as amount,
        side,
        buy_order,
        sell_order,
    from {{ ref("stg_trade_tick") }}
    where
        volume_shares > 0
        and {{ in_build_window("trade_time") }}
),

neighboured as (
    select
        *,
        row_number() over by_time as trade_index,
        case
            when {{ is_same_half("session_minute", 1, "by_time") }}
                then lag(price) over by_time
        end as previous_price,
        count(*) over whole_day as trade_count,
        sum(amount) over whole_day as day_amount,
        sum(cast(amount as hugeint) * amount) over whole_day as day_squares,
    from trade
    where session_minute is not null
    window
        by_time as (
            partition by security_code, trade_date
            order by trade_time, trade_number
        ),
        whole_day as (
            partition by security_code, trade_date
            order by trade_time, trade_number
            rows between unbounded preceding and unbounded following
        )
),

measured as (
    select
        *,
        session_minute <= 30 as is_early,
        amount > {{ big_threshold("trade_count", "day_amount", "day_squares") }}
            as is_big,
        coalesce({{ billionths("price / previous_price - 1") }}, 0) as trade_return,
        case side when 'buy' then amount when 'sell' then -amount else 0 end
            as net_amount,
    from neighboured
),

by_day as (
    select
        security_code,
        trade_date,
        count(*) as trade_count,
        count(*) filter (where is_early) as early_trade_count,
        count(buy_order) = count(*) and count(sell_order) = count(*) as has_orders,
        sum(amount) as amount,
        sum(case when is_early then amount end) as early_amount,
        sum(case when is_big then amount else 0 end) as big_amount,
        sum(case when is_big then trade_return else 0 end) as big_return,
        sum(case when is_early and side = 'buy' then amount else 0 end) as early_buy,
        sum(case when is_early and is_big and side = 'buy' then amount else 0 end)
            as early_big_buy,
        sum(
            case
                when is_early and is_big and side <> 'unknown' then trade_return
                else 0
            end
        ) as early_big_return,
    from measured
    group by security_code, trade_date
),

-- Who is behind the money: the squares of whole orders, not of their trades.
order_amount as (
    select
        security_code,
        trade_date,
        1 as direction,
        sum(amount) as amount,
    from measured
    group by security_code, trade_date, buy_order
    union all
    select
        security_code,
        trade_date,
        -1 as direction,
        sum(amount) as amount,
    from measured
    group by security_code, trade_date, sell_order
),

concentration as (
    select
        security_code,
        trade_date,
        sum(direction * amount * amount) as signed_squares,
    from order_amount
    group by security_code, trade_date
),

by_minute as (
    select
        security_code,
        trade_date,
        session_minute,
        arg_min(price, trade_index) as open_price,
        arg_max(price, trade_index) as close_price,
        {{
            billionths(
                "cast(sum(net_amount) as double) / any_value(day_amount)",
                is_bounded=true,
            )
        }} as net_amount,
    from measured
    group by security_code, trade_date, session_minute
),

minute_neighboured as (
    select
        *,
        case
            when {{ is_same_half("session_minute", 1, "by_time") }}
                then lag(close_price) over by_time
        end as previous_close,
        lag(net_amount) over by_time as net_before,
    from by_minute
    window
        by_time as (
            partition by security_code, trade_date
            order by session_minute
        )
),

minute_return as (
    select
        *,
        {{ billionths("close_price / coalesce(previous_close, open_price) - 1") }}
            as own_return,
    from minute_neighboured
),

paired as (
    select
        security_code,
        trade_date,
        case when previous_close is not null then own_return end as paired_return,
        case when previous_close is not null then net_amount end as paired_net,
        case when previous_close is not null then lag(own_return) over by_time end
            as previous_return,
        case when previous_close is not null then net_before end as previous_net,
    from minute_return
    window
        by_time as (
            partition by security_code, trade_date
            order by session_minute
        )
),

minute_sums as (
    select
        security_code,
        trade_date,
        {{ pair_sums("net_last", "paired_net", "previous_return") }},
        {{ pair_sums("net_next", "previous_net", "paired_return") }},
    from paired
    group by security_code, trade_date
)

select
    by_day.trade_date,
    by_day.security_code,
    by_day.trade_count,
    by_day.early_trade_count,
    case
        when by_day.trade_count >= {{ minimum }}
            then {{ safe_divide("by_day.big_amount", "by_day.amount") }}
    end as bigorder_amt_perc,
    case
        when by_day.early_trade_count >= {{ minimum }}
            then {{ safe_divide("by_day.early_big_buy", "by_day.early_amount") }}
    end as early_bigorder_buy_perc,
    case
        when by_day.trade_count >= {{ minimum }} then by_day.big_return / 1e9
    end as bigorder_ret2,
    case
        when by_day.early_trade_count >= {{ minimum }}
            then by_day.early_big_return / 1e9
    end as early_active_bigorder_ret,
    case
        when by_day.has_orders and by_day.trade_count >= {{ minimum }}
            then
                cast(concentration.signed_squares as double)
                / nullif(power(cast(by_day.amount as double), 2), 0)
    end as concentration_diff,
    case
        when by_day.early_trade_count >= {{ minimum }}
            then {{ safe_divide("by_day.early_buy", "by_day.early_amount") }}
    end as early_active_buy_perc,
    {{ pair_correlation("minute_sums.net_last") }} as corr_netactivebuy_lastret,
    {{ pair_correlation("minute_sums.net_next") }} as corr_netactivebuy_nextret,
from by_day
inner join concentration
    on
        by_day.trade_date = concentration.trade_date
        and by_day.security_code = concentration.security_code
inner join minute_sums
    on
        by_day.trade_date = minute_sums.trade_date
        and by_day.security_code = minute_sums.security_code
