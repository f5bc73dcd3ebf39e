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
    cast(market_cap_cny as double) as market_cap_cny,
    cast(market_cap_rank as integer) as market_cap_rank,
    cast(is_new as boolean) as is_new,
from {{ ref("int_microcap_member") }}
where
    index_code = 'microcap400'
    and {{ in_build_window("trade_date") }}
