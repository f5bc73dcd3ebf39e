{{
    config(
        materialized="incremental",
        incremental_strategy="rewrite_window",
        on_schema_change="fail",
    )
}}

select
    cast(trade_date as date) as trade_date,
    cast(security_code as varchar) as security_code,
    cast(is_suspended as boolean) as is_suspended,
    cast(is_st as boolean) as is_st,
    cast(st_source as varchar) as st_source,
    cast(is_delisting_period as boolean) as is_delisting_period,
    cast(listed_days as integer) as listed_days,
    cast(limit_up_cny as double) as limit_up_cny,
    cast(limit_down_cny as double) as limit_down_cny,
    cast(limit_source as varchar) as limit_source,
    cast(opens_at_limit_up as boolean) as opens_at_limit_up,
    cast(opens_at_limit_down as boolean) as opens_at_limit_down,
    cast(closes_at_limit_up as boolean) as closes_at_limit_up,
    cast(closes_at_limit_down as boolean) as closes_at_limit_down,
    cast(touches_limit_up as boolean) as touches_limit_up,
    cast(touches_limit_down as boolean) as touches_limit_down,
    cast(is_one_price_limit as boolean) as is_one_price_limit,
from {{ ref("int_tradability_day") }}
where {{ in_build_window("trade_date") }}
