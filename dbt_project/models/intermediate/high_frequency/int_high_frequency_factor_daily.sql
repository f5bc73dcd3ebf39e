{{ config(materialized="view") }}

-- Bars of which none reaches the close are a part of the day, loaded early or lost: a
-- share of the day's volume in them would be a number of another measure.
with bar as (
    select
        *,
        max(last_session_minute) over (partition by trade_date, bar_minutes) = 240
            as is_day_whole,
    from {{ ref("int_high_frequency_bar_daily") }}
)

select
    bar.trade_date,
    bar.security_code,
    {% for name, kind in high_frequency_factors().items() -%}
    {% if kind.level == "bar" -%}
    case when bar.is_day_whole then bar.{{ name }} end as {{ name }},
    {% else -%}
    -- What trades or orders give stands, a NULL too.
    case
        when not bar.is_day_whole then null
        when {{ kind.level }}_tick.security_code is not null
            then {{ kind.level }}_tick.{{ name }}
        else bar.{{ name }}
    end as {{ name }},
    {% endif -%}
    {% endfor -%}
    trade_tick.security_code is not null as has_trades,
    order_tick.security_code is not null as has_orders,
    bar.is_amount_estimated,
    bar.is_day_whole,
    bar.has_items,
    bar.bar_minutes,
    bar.active_bar_count,
    bar.early_bar_count,
    bar.late_bar_count,
from bar
left join {{ ref("int_high_frequency_trade_daily") }} as trade_tick
    on
        bar.trade_date = trade_tick.trade_date
        and bar.security_code = trade_tick.security_code
left join {{ ref("int_high_frequency_order_daily") }} as order_tick
    on
        bar.trade_date = order_tick.trade_date
        and bar.security_code = order_tick.security_code
