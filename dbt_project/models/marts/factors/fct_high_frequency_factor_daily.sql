{{
    config(
        materialized="incremental",
        incremental_strategy="rewrite_window",
        on_schema_change="fail",
        tags=["model_input"],
    )
}}

{%- set minimum = var("high_frequency_minimum_bars") %}

select
    cast(trade_date as date) as trade_date,
    cast(security_code as varchar) as security_code,
    {% for name in high_frequency_factors() -%}
    cast({{ name }} as double) as {{ name }},
    {% endfor -%}
    cast(if(has_trades and has_orders, 'tick', 'minute_proxy') as varchar) as source,
    cast(if(has_trades, 'tick', 'minute_proxy') as varchar) as trade_source,
    cast(if(has_orders, 'tick', 'minute_proxy') as varchar) as order_source,
    cast(if(has_items, 'trade_count', 'amount_per_bar') as varchar) as item_source,
    cast(if(is_amount_estimated, 'estimate', 'amount') as varchar) as vwap_source,
    cast(bar_minutes as integer) as bar_minutes,
    cast(active_bar_count as integer) as active_bar_count,
    cast(early_bar_count as integer) as early_bar_count,
    cast(late_bar_count as integer) as late_bar_count,
    cast(
        case
            when not is_day_whole then 'no bar of the day ends at the close'
            when active_bar_count < {{ minimum }}
                then 'fewer than {{ minimum }} bars with trades in the day'
            when early_bar_count < {{ minimum }} and late_bar_count < {{ minimum }}
                then 'fewer than {{ minimum }} bars with trades in each half hour'
            when early_bar_count < {{ minimum }}
                then 'fewer than {{ minimum }} bars with trades in the first half hour'
            when late_bar_count < {{ minimum }}
                then 'fewer than {{ minimum }} bars with trades in the last half hour'
            when
                {{ high_frequency_factors() | join(" is null or ") }} is null
                then 'no variation, or too few trades, orders or pairs of bars'
        end as varchar
    ) as null_reason,
from {{ ref("int_high_frequency_factor_daily") }}
where {{ in_build_window("trade_date") }}
