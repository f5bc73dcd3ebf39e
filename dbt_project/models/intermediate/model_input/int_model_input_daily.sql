{{ config(materialized="view", tags=["model_input"]) }}

select
    security_day.trade_date,
    security_day.security_code,
    -- A suspended day has the last price in all fields and no volume.
    coalesce(security_day.adjusted_open, security_day.adjusted_close) as open,
    coalesce(
        security_day.high_cny * security_day.adjust_factor, security_day.adjusted_close
    ) as high,
    coalesce(
        security_day.low_cny * security_day.adjust_factor, security_day.adjusted_close
    ) as low,
    security_day.adjusted_close as close,
    coalesce(
        security_day.vwap_cny * security_day.adjust_factor, security_day.adjusted_close
    ) as vwap,
    -- Shares of the first day's size: a split does not make a day a busy one.
    coalesce(security_day.volume_shares / security_day.adjust_factor, 0) as volume,
    coalesce(security_day.amount_cny, 0) as amount,
    coalesce(security_day.volume_shares, 0)
    / nullif(security_day.float_shares, 0) as turnover,
    ln(nullif(security_day.total_cap_cny, 0)) as log_market_cap,
    not security_day.is_suspended
    and not tradability.is_st
    and not tradability.is_delisting_period
    and tradability.listed_days > {{ var("factor_minimum_listed_days") }}
        as is_eligible,
from {{ ref("int_security_day") }} as security_day
inner join {{ ref("int_tradability_day") }} as tradability
    on
        security_day.trade_date = tradability.trade_date
        and security_day.security_code = tradability.security_code
