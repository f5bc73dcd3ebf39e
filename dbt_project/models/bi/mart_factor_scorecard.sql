{%- set periods = ["week", "month_to_date", "year_to_date", "all"] %}
{%- set horizons = [1, 4, 8, 12] %}

with tested as (
    select
        universe,
        factor_code,
        max(trade_week) as last_week,
        arg_max(stock_count, trade_week) as stock_count,
        arg_max(unfillable_share, trade_week) as unfillable_share,
    from {{ ref("fct_factor_ic_weekly") }}
    group by universe, factor_code
),

by_period as (
    select
        universe,
        factor_code,
        {% for period in periods -%}
        max(mean) filter (where period = '{{ period }}') as {{ period }}_ic,
        max(tradable_mean) filter (
            where period = '{{ period }}'
        ) as {{ period }}_tradable_ic,
        max(t_value) filter (where period = '{{ period }}') as {{ period }}_t_value,
        {% endfor -%}
        max(icir) filter (where period = 'all') as all_icir,
        max(positive_share) filter (where period = 'all') as all_positive_share,
        max(week_count) filter (where period = 'all') as all_week_count,
    from {{ ref("fct_factor_ic_summary") }}
    group by universe, factor_code
),

by_horizon as (
    select
        universe,
        factor_code,
        {% for weeks in horizons -%}
        max(mean) filter (where horizon_weeks = {{ weeks }}) as decay_{{ weeks }}_ic,
        {% endfor -%}
    from {{ ref("fct_factor_ic_decay") }}
    group by universe, factor_code
),

last_week as (
    select max(trade_week) as last_week,
    from {{ ref("int_trading_day") }}
    where is_week_complete
),

long_short as (
    select
        spread.universe,
        spread.factor_code,
        {% for measure in ["paper_return", "tradable_return"] -%}
        max(spread.{{ measure }}) filter (
            where spread.trade_week = last_week.last_week
        ) as week_long_short_{{ measure }},
        {{ exact_sum(
            "spread." ~ measure, 12,
            "date_trunc('month', spread.trade_week)"
            ~ " = date_trunc('month', last_week.last_week)"
        ) }} as month_to_date_long_short_{{ measure }},
        {{ exact_sum(
            "spread." ~ measure, 12,
            "year(spread.trade_week) = year(last_week.last_week)"
        ) }} as year_to_date_long_short_{{ measure }},
        {{ exact_mean("spread." ~ measure, 12) }} as all_long_short_{{ measure }},
        {% endfor -%}
        {{ exact_mean("spread.turnover", 12) }} as long_short_turnover,
    from {{ ref("fct_factor_long_short_weekly") }} as spread
    cross join last_week
    group by spread.universe, spread.factor_code
),

factor as (
    select
        factor_code,
        factor_group,
        name_cn,
        name_en,
    from {{ ref("dim_factor") }}
)

select
    cast(tested.universe as varchar) as universe,
    cast(tested.factor_code as varchar) as factor_code,
    cast(factor.factor_group as varchar) as factor_group,
    cast(factor.name_cn as varchar) as name_cn,
    cast(factor.name_en as varchar) as name_en,
    cast(tested.last_week as date) as last_week,
    cast(tested.stock_count as bigint) as stock_count,
    cast(round(tested.unfillable_share, 4) as double) as unfillable_share,
    {% for period in periods -%}
    cast(round(by_period.{{ period }}_ic, 6) as double) as {{ period }}_ic,
    cast(
        round(by_period.{{ period }}_tradable_ic, 6) as double
    ) as {{ period }}_tradable_ic,
    {% if period != "week" -%}
    cast(round(by_period.{{ period }}_t_value, 4) as double) as {{ period }}_t_value,
    {% endif -%}
    {% endfor -%}
    cast(round(by_period.all_icir, 4) as double) as all_icir,
    cast(round(by_period.all_positive_share, 4) as double) as all_positive_share,
    cast(by_period.all_week_count as bigint) as all_week_count,
    {% for weeks in horizons -%}
    cast(
        round(by_horizon.decay_{{ weeks }}_ic, 6) as double
    ) as decay_{{ weeks }}_ic,
    {% endfor -%}
    {% for period in periods -%}
    cast(
        round(long_short.{{ period }}_long_short_paper_return, 6) as double
    ) as {{ period }}_long_short_paper_return,
    cast(
        round(long_short.{{ period }}_long_short_tradable_return, 6) as double
    ) as {{ period }}_long_short_tradable_return,
    {% endfor -%}
    cast(round(long_short.long_short_turnover, 4) as double) as long_short_turnover,
from tested
left join by_period
    on
        tested.universe = by_period.universe
        and tested.factor_code = by_period.factor_code
left join by_horizon
    on
        tested.universe = by_horizon.universe
        and tested.factor_code = by_horizon.factor_code
left join long_short
    on
        tested.universe = long_short.universe
        and tested.factor_code = long_short.factor_code
left join factor on tested.factor_code = factor.factor_code
