{{ config(materialized="view") }}

select
    bar.trade_date,
    bar.security_code,
    {% for name, kind in high_frequency_factors().items() -%}
    {% if kind.level == "bar" -%}
    bar.{{ name }},
    {% else -%}
    -- What trades or orders give stands, a NULL too.
    case
        when {{ kind.level }}_tick.security_code is not null
            then {{ kind.level }}_tick.{{ name }}
        else bar.{{ name }}
    end as {{ name }},
    {% endif -%}
    {% endfor -%}
    trade_tick.security_code is not null as has_trades,
    order_tick.security_code is not null as has_orders,
    bar.is_amount_estimated,
    bar.has_items,
    bar.bar_minutes,
    bar.active_bar_count,
    bar.early_bar_count,
    bar.late_bar_count,
from {{ ref("int_high_frequency_bar_daily") }} as bar
left join {{ ref("int_high_frequency_trade_daily") }} as trade_tick
    on
        bar.trade_date = trade_tick.trade_date
        and bar.security_code = trade_tick.security_code
left join {{ ref("int_high_frequency_order_daily") }} as order_tick
    on
        bar.trade_date = order_tick.trade_date
        and bar.security_code = order_tick.security_code
