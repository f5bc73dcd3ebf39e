{%- set periods = {
    "week": "layer_week.trade_week = last_week.last_week",
    "month_to_date": "date_trunc('month', layer_week.trade_week)"
        ~ " = date_trunc('month', last_week.last_week)",
    "year_to_date": "true",
} %}

with last_week as (
    select max(trade_week) as last_week,
    from {{ ref("int_trading_day") }}
    where is_week_complete
),

layer_week as (
    select
        universe,
        factor_code,
        layer,
        trade_week,
        paper_return,
        tradable_return,
    from {{ ref("fct_factor_layer_return_weekly") }}
),

summed as (
    select
        layer_week.universe,
        layer_week.factor_code,
        layer_week.layer,
        last_week.last_week,
        {% for period, condition in periods.items() -%}
        {% for measure in ["paper_return", "tradable_return"] -%}
        {% set column = "layer_week." ~ measure -%}
        {{ exact_sum(column, 12, condition) }} as {{ period }}_{{ measure }},
        {% endfor -%}
        {% endfor -%}
    from layer_week
    cross join last_week
    -- A week belongs to the month and the year of its last day.
    where year(layer_week.trade_week) = year(last_week.last_week)
    group by
        layer_week.universe,
        layer_week.factor_code,
        layer_week.layer,
        last_week.last_week
)

select
    cast(universe as varchar) as universe,
    cast(factor_code as varchar) as factor_code,
    cast(layer as bigint) as layer,
    cast(last_week as date) as last_week,
    {% for period in periods -%}
    {% for measure in ["paper_return", "tradable_return"] -%}
    {% set column = period ~ "_" ~ measure -%}
    cast({{ column }} as double) as {{ column }},
    {% endfor -%}
    {% endfor -%}
from summed
