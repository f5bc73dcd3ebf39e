{{
    config(
        materialized="incremental",
        incremental_strategy="rewrite_window",
        on_schema_change="fail",
    )
}}

select
    cast(index_code as varchar) as index_code,
    cast(trade_date as date) as trade_date,
    cast(method as varchar) as method,
    cast(price_ratio as double) as price_ratio,
    cast(is_full as boolean) as is_full,
    cast(days_to_signal as integer) as days_to_signal,
    cast(action as varchar) as action,
    cast(null_reason as varchar) as null_reason,
from {{ ref("int_signal_outlook") }}
where {{ in_build_window("trade_date") }}
