{{
    config(
        materialized="incremental",
        incremental_strategy="rewrite_window",
        on_schema_change="fail",
        meta={"window_column": "trade_week"},
    )
}}

-- The rank ICs of fct_factor_ic_weekly once more: that table tests scores too, and so
-- comes after those that are weighted by these.
{%- set factors = high_frequency_factors().keys() | list %}
{%- set so_far = "range between unbounded preceding and current row" %}

with member as materialized (
    select
        universe_return.trade_week,
        universe_return.paper_return,
        {% for factor in factors -%}
        panel.{{ factor }},
        {% endfor -%}
    from {{ ref("int_universe_return_weekly") }} as universe_return
    inner join {{ ref("int_neutral_high_frequency_factor_weekly") }} as panel
        on
            universe_return.factor_week = panel.trade_week
            and universe_return.security_code = panel.security_code
    where
        universe_return.universe = 'all'
        and {{ in_build_window("universe_return.trade_week") }}
        and {{ in_build_window("panel.trade_week", lookback_days=5) }}
),

-- Doubled average ranks are integers.
ranked as (
    {% for factor in factors -%}
    {% set by_factor = "by_" ~ factor -%}
    {% set by_return = "by_return_with_" ~ factor -%}
    select
        '{{ factor }}' as factor_code,
        trade_week,
        rank() over {{ by_factor }} + count(*) over {{ by_factor }} as factor_rank,
        rank() over {{ by_return }} + count(*) over {{ by_return }} as return_rank,
    from member
    where
        isfinite({{ factor }})
        and isfinite(paper_return)
    window
        {{ by_factor }} as (
            partition by trade_week
            order by {{ factor }} desc {{ so_far }}
        ),
        {{ by_return }} as (
            partition by trade_week
            order by paper_return desc {{ so_far }}
        )
    {% if not loop.last -%}
    union all
    {% endif -%}
    {% endfor -%}
),

summed as (
    select
        factor_code,
        trade_week,
        count(*) as stock_count,
        sum(factor_rank * return_rank) as product_sum,
        sum(factor_rank) as factor_sum,
        sum(factor_rank * factor_rank) as factor_square_sum,
        sum(return_rank) as return_sum,
        sum(return_rank * return_rank) as return_square_sum,
    from ranked
    group by factor_code, trade_week
)

select
    factor_code,
    trade_week,
    {{
        rank_correlation(
            "stock_count",
            "product_sum",
            "factor_sum",
            "factor_square_sum",
            "return_sum",
            "return_square_sum",
            var("factor_ic_minimum_stocks")
        )
    }} as rank_ic,
    stock_count,
from summed
