{{ config(materialized="view") }}

with price_day as (
    select
        *,
        close_cny is null as is_suspended,
        -- Divided back, a carried price differs from the price itself in its last bit:
        -- four decimals hold every price of the exchanges.
        coalesce(
            close_cny, round(adjusted_close / adjust_factor, 4)
        ) as last_close_cny,
        (high_cny + low_cny + 2 * close_cny) / 4 as middle_price_cny,
        -- A float estimated from turnover can exceed the total by its rounding.
        least(coalesce(float_shares, total_shares), total_shares) as known_float_shares,
        least(
            coalesce(previous_float_shares, previous_total_shares),
            previous_total_shares
        ) as previous_known_float_shares,
    from {{ ref("int_security_price_day") }}
)

select
    trade_date,
    security_code,
    day_index,
    board,
    listed_days,
    traded_days,
    is_suspended,
    open_cny,
    high_cny,
    low_cny,
    close_cny,
    last_close_cny,
    reference_close_cny,
    adjust_factor,
    open_cny * adjust_factor as adjusted_open,
    adjusted_close,
    adjusted_close / previous_adjusted_close - 1 as daily_return,
    coalesce(open_cny * adjust_factor, adjusted_close)
    / previous_adjusted_close - 1 as overnight_return,
    coalesce(close_cny / open_cny, 1) - 1 as intraday_return,
    volume_shares,
    coalesce(amount_cny, volume_shares * middle_price_cny) as amount_cny,
    coalesce(amount_cny / volume_shares, middle_price_cny) as vwap_cny,
    case
        when is_suspended then null
        when amount_cny / volume_shares is not null then 'amount'
        else 'estimate'
    end as vwap_source,
    total_shares,
    known_float_shares as float_shares,
    {{ float_source("is_float_reported", "float_shares", "total_shares") }}
        as float_source,
    total_shares * last_close_cny as total_cap_cny,
    known_float_shares * last_close_cny as float_cap_cny,
    previous_known_float_shares
    * previous_last_close_cny as previous_float_cap_cny,
    {{
        float_source(
            "was_float_reported", "previous_float_shares", "previous_total_shares"
        )
    }} as previous_float_source,
from price_day
