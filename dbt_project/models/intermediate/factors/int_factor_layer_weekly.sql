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

{% for panel in tested_factor_panels() -%}
-- A week more than the window: layers turn over against it.
{{ panel.model }}_stock as (
    select
        cast(
            {{ universe_number("universe_return.universe") }} as utinyint
        ) as universe_number,
        universe_return.trade_week,
        universe_return.factor_week,
        security_number.security_number,
        universe_return.is_buyable_at_open,
        universe_return.is_sellable_at_open,
        universe_return.paper_return,
        universe_return.tradable_return,
        {% for factor in panel.factors -%}
        panel.{{ factor }},
        {% endfor -%}
        {% for factors in rank_words(panel.factors) -%}
        {{ known_word(factors) }} as known_{{ loop.index0 }},
        {% endfor -%}
    from {{ ref("int_universe_return_weekly") }} as universe_return
    inner join security_number
        on universe_return.security_code = security_number.security_code
    inner join {{ ref(panel.model) }} as panel
        on
            universe_return.factor_week = panel.trade_week
            and universe_return.security_code = panel.security_code
    where
        {{ in_build_window("universe_return.trade_week", lookback_days=10) }}
        and {{ in_build_window("panel.trade_week", lookback_days=15) }}
),

-- Read once for all factors of a panel.
{{ panel.model }}_member as materialized (
    select
        universe_number,
        trade_week,
        factor_week,
        security_number,
        is_buyable_at_open,
        is_sellable_at_open,
        paper_return,
        tradable_return,
        {% for factor in panel.factors -%}
        {{ factor }},
        {% endfor -%}
        {{ return_word_columns(panel.factors) }}
    from {{ panel.model }}_stock
    window
        so_far as (
            partition by universe_number, trade_week
            order by paper_return desc
            range between unbounded preceding and current row
        ),
        level as (
            partition by universe_number, trade_week
            order by paper_return desc
            range between current row and current row
        ),
        buyable_so_far as (
            partition by universe_number, trade_week, is_buyable_at_open
            order by tradable_return desc
            range between unbounded preceding and current row
        ),
        buyable_level as (
            partition by universe_number, trade_week, is_buyable_at_open
            order by tradable_return desc
            range between current row and current row
        )
),

{% endfor -%}
layered as (
    {% for panel in tested_factor_panels() -%}
    {% for factor in panel.factors -%}
    {% if numbers.factor > 0 -%}
    union all
    {% endif -%}
    {% do numbers.update({"factor": numbers.factor + 1}) -%}
    {{
        factor_layer_sums(
            panel.model ~ "_member", panel.factors, factor, layers, minimum_stocks
        )
    }}
    {% endfor -%}
    {% endfor -%}
)

select
    {{ universe_of_number("universe_number") }} as universe,
    factor_code,
    trade_week,
    factor_week,
    layer,
    cast(stock_count as integer) as stock_count,
    cast(buyable_count as integer) as buyable_count,
    cast(sellable_count as integer) as sellable_count,
    cast(kept_count as integer) as kept_count,
    kept_weight_before,
    kept_weight_change,
    paper_return_sum,
    tradable_return_sum,
    sellable_return_sum,
    {% for sum in rank_sums() -%}
    cast({{ sum }} as bigint) as {{ sum }},
    {% endfor -%}
from layered
where {{ in_build_window("trade_week") }}
