{{ config(materialized="view") }}

with clocked as (
    select
        *,
        60 * hour(bar_time) + minute(bar_time) as clock_minute,
    from {{ ref("stg_minute_bar") }}
)

select
    security_code,
    cast(bar_time as date) as trade_date,
    bar_time,
    bar_minutes,
    -- Ends of bars: 9:31 is the first minute of the day, 13:01 the 121st.
    cast(
        case
            when clock_minute between 571 and 690 then clock_minute - 570
            when clock_minute between 781 and 900 then clock_minute - 660
        end as smallint
    ) as session_minute,
    clock_minute <= 570 as is_opening_auction,
    coalesce(volume_shares > 0, false) as is_active,
    open_cny,
    high_cny,
    low_cny,
    close_cny,
    volume_shares,
    coalesce(
        amount_cny, volume_shares * (high_cny + low_cny + 2 * close_cny) / 4
    ) as amount_cny,
    amount_cny is null as is_amount_estimated,
    nullif(trade_count, 0) as trade_count,
from clocked
