{{
    config(
        materialized="incremental",
        incremental_strategy="rewrite_window",
        on_schema_change="fail",
        meta={"window_column": "trade_week"},
    )
}}

{%- set weeks = var("factor_decay_weeks") %}
{%- set lookback_days = 5 * weeks + 10 %}
{%- set numbers = {"factor": 0} %}

with complete_week as (
    select
        trade_week,
        cast(row_number() over (order by trade_week) as integer) as week_number,
    from {{ ref("int_trading_day") }}
    where
        is_week_end
        and is_week_complete
),

return_rank as (
    select
        cast(
            {{ universe_number("universe_return.universe") }} as utinyint
        ) as universe_number,
        complete_week.week_number,
        universe_return.factor_week,
        universe_return.security_code,
        universe_return.doubled_return_rank,
    from {{ ref("int_universe_return_weekly") }} as universe_return
    inner join complete_week on universe_return.trade_week = complete_week.trade_week
    where {{ in_build_window("universe_return.trade_week", lookback_days) }}
),

-- Of the stocks that are still in the universe before the later week.
followed as (
    select
        universe_number,
        week_number,
        factor_week,
        security_code,
        {{ return_rank_columns(weeks) }}
    from return_rank
),

{% for panel in tested_factor_panels() -%}
-- Read once for all factors of a panel.
{{ panel.model }}_member as materialized (
    select
        followed.universe_number,
        followed.week_number,
        followed.factor_week,
        {% for horizon in range(2, weeks + 1) -%}
        followed.return_rank_{{ horizon }},
        {% endfor -%}
        {% for factor in panel.factors -%}
        panel.{{ factor }},
        {% endfor -%}
    from followed
    inner join {{ ref(panel.model) }} as panel
        on
            followed.factor_week = panel.trade_week
            and followed.security_code = panel.security_code
    where {{ in_build_window("panel.trade_week", lookback_days + 5) }}
),

{% endfor -%}
summed as materialized (
    {% for panel in tested_factor_panels() -%}
    {% for factor in panel.factors -%}
    {% if numbers.factor > 0 -%}
    union all
    {% endif -%}
    {% do numbers.update({"factor": numbers.factor + 1}) -%}
    {{ factor_decay_sums(panel.model ~ "_member", factor, weeks) }}
    {% endfor -%}
    {% endfor -%}
),

correlated as (
    {% for horizon in range(2, weeks + 1) -%}
    {% if not loop.first -%}
    union all
    {% endif -%}
    select
        universe_number,
        factor_code,
        {{ horizon }} as horizon_weeks,
        week_number + {{ horizon - 1 }} as week_number,
        factor_week,
        stock_count_{{ horizon }} as stock_count,
        {{
            rank_correlation(
                "stock_count_" ~ horizon,
                "product_sum_" ~ horizon,
                "factor_rank_sum_" ~ horizon,
                "factor_square_sum_" ~ horizon,
                "return_rank_sum_" ~ horizon,
                "return_square_sum_" ~ horizon,
                var("factor_ic_minimum_stocks")
            )
        }} as rank_ic,
    from summed
    where stock_count_{{ horizon }} > 0
    {% endfor -%}
)

select
    {{ universe_of_number("correlated.universe_number") }} as universe,
    correlated.factor_code,
    cast(correlated.horizon_weeks as integer) as horizon_weeks,
    complete_week.trade_week,
    correlated.factor_week,
    cast(correlated.stock_count as integer) as stock_count,
    correlated.rank_ic,
from correlated
inner join complete_week on correlated.week_number = complete_week.week_number
where {{ in_build_window("complete_week.trade_week") }}
