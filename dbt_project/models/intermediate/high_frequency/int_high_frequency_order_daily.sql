{{
    config(
        materialized="incremental",
        incremental_strategy="rewrite_window",
        on_schema_change="fail",
    )
}}

-- Market orders name no price and so no amount.
with limit_order as (
    select
        security_code,
        cast(order_time as date) as trade_date,
        {{ tick_minute("order_time") }} as session_minute,
        {{ ten_thousandths("price_cny * volume_shares") }} as amount,
        cast(volume_shares as bigint) as volume,
        side = 'buy' as is_buy,
    from {{ ref("stg_order_tick") }}
    where
        volume_shares > 0
        and price_cny is not null
        and {{ in_build_window("order_time") }}
),

by_minute as (
    select
        security_code,
        trade_date,
        session_minute,
        count(*) as order_count,
        sum(amount) as amount,
        sum(volume) as volume,
        sum(if(is_buy, amount, -amount)) as difference,
        sum(if(is_buy, volume, 0)) as buy_volume,
    from limit_order
    where session_minute is not null
    group by security_code, trade_date, session_minute
),

with_day as (
    select
        *,
        cast(sum(amount) over whole_day as double) as day_amount,
        cast(sum(volume) over whole_day as double) as day_volume,
    from by_minute
    window whole_day as (partition by security_code, trade_date)
),

measured as (
    select
        security_code,
        trade_date,
        session_minute,
        order_count,
        {{ billionths("difference / day_amount", is_bounded=true) }} as difference,
        {{ billionths("buy_volume / day_volume", is_bounded=true) }} as buy_volume,
        {{ billionths("amount / volume / (day_amount / day_volume)") }} as price,
        case
            when session_minute <= 30
                then {{ billionths("amount / day_amount", is_bounded=true) }}
        end as early_amount,
    from with_day
),

summed as (
    select
        security_code,
        trade_date,
        sum(order_count) as order_count,
        count(*) as order_minute_count,
        count(early_amount) as early_order_minute_count,
        {{ moment_sums("difference", "difference") }},
        {{ moment_sums("early_amount", "early_amount") }},
        {{ pair_sums("buy_price", "buy_volume", "price") }},
    from measured
    group by security_code, trade_date
)

select
    trade_date,
    security_code,
    cast(order_count as bigint) as order_count,
    order_minute_count,
    early_order_minute_count,
    {{ skewness_of_sums("difference") }} as skew_order_diff,
    {{ kurtosis_of_sums("difference") }} as kurt_order_diff,
    {{ kurtosis_of_sums("early_amount") }} as early_kurt_order,
    {{ pair_correlation("buy_price") }} as corr_buyorder_volume_price,
from summed
