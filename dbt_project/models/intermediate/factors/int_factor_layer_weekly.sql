{{
    config(
        materialized="incremental",
        incremental_strategy="rewrite_window",
        on_schema_change="fail",
        meta={"window_column": "trade_week"},
    )
}}

{%- set layers = var("factor_layers") %}
{%- set minimum_stocks = layers * var("factor_layer_minimum_stocks") %}
{%- set numbers = {"factor": 0} %}

with security_number as (
    select
        security_code,
        cast(row_number() over (order by security_code) as integer) as security_number,
    from {{ ref("stg_security") }}
),

-- A week more than the window: layers turn over against it.
universe_return as (
    select *,
    from {{ ref("int_universe_return_weekly") }}
    where {{ in_build_window("trade_week", lookback_days=10) }}
),

universe_week as (
    select
        universe,
        trade_week,
        factor_week,
        cast(row_number() over (order by universe, trade_week) as integer)
            as universe_week,
    from universe_return
    group by universe, trade_week, factor_week
),

numbered_week as materialized (
    select
        week.*,
        before.universe_week as week_before,
    from universe_week as week
    left join universe_week as before
        on
            week.universe = before.universe
            and week.factor_week = before.trade_week
),

{% for panel in tested_factor_panels() -%}
-- Read once for all factors of a panel.
{{ panel.model }}_member as materialized (
    select
        numbered_week.universe_week,
        security_number.security_number,
        universe_return.is_buyable_at_open,
        universe_return.is_sellable_at_open,
        universe_return.paper_return,
        universe_return.tradable_return,
        {% for factor in panel.factors -%}
        panel.{{ factor }},
        {% endfor -%}
    from universe_return
    inner join numbered_week
        on
            universe_return.universe = numbered_week.universe
            and universe_return.trade_week = numbered_week.trade_week
    inner join security_number
        on universe_return.security_code = security_number.security_code
    inner join {{ ref(panel.model) }} as panel
        on
            universe_return.factor_week = panel.trade_week
            and universe_return.security_code = panel.security_code
),

{% endfor -%}
layered as (
    {% for panel in tested_factor_panels() -%}
    {% for factor in panel.factors -%}
    {% if numbers.factor > 0 -%}
    union all
    {% endif -%}
    {% do numbers.update({"factor": numbers.factor + 1}) -%}
    select *,
    from (
        {{
            factor_layer_sums(
                panel.model ~ "_member",
                "numbered_week",
                factor,
                layers,
                minimum_stocks,
            )
        }}
    )
    {% endfor -%}
    {% endfor -%}
)

select
    numbered_week.universe,
    layered.factor_code,
    numbered_week.trade_week,
    numbered_week.factor_week,
    layered.layer,
    cast(layered.stock_count as integer) as stock_count,
    cast(layered.buyable_count as integer) as buyable_count,
    cast(layered.sellable_count as integer) as sellable_count,
    cast(layered.kept_count as integer) as kept_count,
    layered.kept_weight_before,
    layered.kept_weight_change,
    layered.paper_return_sum,
    layered.tradable_return_sum,
    layered.sellable_return_sum,
    {% for sum in rank_sums() -%}
    cast(layered.{{ sum }} as bigint) as {{ sum }},
    {% endfor -%}
from layered
inner join numbered_week on layered.universe_week = numbered_week.universe_week
where {{ in_build_window("numbered_week.trade_week") }}
