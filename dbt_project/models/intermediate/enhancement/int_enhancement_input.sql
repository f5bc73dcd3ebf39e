{{ config(materialized="view", tags=["model_input"]) }}

{%- set styles = enhancement_styles() %}

-- A view of the first leg: the portfolios are made from it when the scores are there.
with used as (
    select
        index_code,
        model_code,
    from {{ ref("int_enhancement") }}
    group by index_code, model_code
),

given as (
    select
        model_code,
        trade_week,
        security_code,
        score,
        decision_time,
    from {{ ref("stg_model_score") }}
    where isfinite(score)
),

score as (
    select
        model_code,
        trade_week,
        security_code,
        z_score,
    from ({{ stock_scores("given") }}) as scored
    where z_score is not null
),

price as (
    select
        trade_date,
        security_code,
        adjusted_close,
    from {{ ref("int_security_day") }}
),

-- A list may be of a day without trading: its prices are those of the last day before.
listed as (
    select
        member.index_code,
        member.trade_week,
        member.security_code,
        member.weight,
        list_day.trade_date as list_date,
    from {{ ref("int_index_weight_weekly") }} as member
    asof left join {{ ref("int_trading_day") }} as list_day
        on member.list_date >= list_day.trade_date
    where member.weight_source = 'published'
),

-- A published list is of the end of a month: since then weights have moved with prices.
drifted as (
    select
        member.index_code,
        member.trade_week,
        member.security_code,
        member.weight * now.adjusted_close / coalesce(
            former.adjusted_close, now.adjusted_close
        ) as weight,
    from listed as member
    inner join price as now
        on
            member.trade_week = now.trade_date
            and member.security_code = now.security_code
    left join price as former
        on
            member.list_date = former.trade_date
            and member.security_code = former.security_code
    where now.adjusted_close is not null
),

index_weight as (
    select
        index_code,
        trade_week,
        security_code,
        weight / sum(cast(weight as decimal(38, 18))) over (
            partition by index_code, trade_week
        ) as index_weight,
    from drifted
),

index_week as (
    select
        index_code,
        trade_week,
    from index_weight
    group by index_code, trade_week
),

scored_week as (
    select
        model_code,
        trade_week,
    from score
    group by model_code, trade_week
),

universe as (
    select
        trade_week,
        security_code,
        is_in_all,
    from {{ ref("int_factor_universe_weekly") }}
),

style as (
    select
        factor.trade_week,
        factor.security_code,
        universe.is_in_all,
        {% for style in styles -%}
        factor.{{ style }},
        {% endfor %}
    from {{ ref("int_style_factor_weekly") }} as factor
    inner join universe
        on
            factor.trade_week = universe.trade_week
            and factor.security_code = universe.security_code
),

spread as (
    select
        trade_week,
        {% for style in styles -%}
        {{ spread_aggregates(style) }},
        {% endfor %}
    from style
    where is_in_all
    group by trade_week
),

placed as (
    select
        style.trade_week,
        style.security_code,
        style.is_in_all,
        {% for style in styles -%}
        {% set is_winsorised = style != "log_market_cap" -%}
        {{ cross_position(style, is_winsorised=is_winsorised) }} as {{ style }},
        {% endfor %}
    from style
    inner join spread on style.trade_week = spread.trade_week
),

moment as (
    select
        trade_week,
        {% for style in styles -%}
        {{ position_aggregates(style) }},
        {% endfor %}
    from placed
    where is_in_all
    group by trade_week
),

standard_style as (
    select
        placed.trade_week,
        placed.security_code,
        {% for style in styles -%}
        {{ cross_z_score(style) }} as {{ style }},
        {% endfor %}
    from placed
    inner join moment on placed.trade_week = moment.trade_week
)

select
    used.index_code,
    used.model_code,
    universe.trade_week,
    universe.security_code,
    coalesce(index_weight.index_weight, 0) as index_weight,
    score.z_score as score,
    industry.industry,
    {% for style in styles -%}
    standard_style.{{ style }},
    {% endfor -%}
    -- What trades tomorrow is not known: today's state stands for it.
    not tradability.is_suspended
    and not tradability.closes_at_limit_up
    and not tradability.closes_at_limit_down as is_tradable,
from used
inner join index_week on used.index_code = index_week.index_code
inner join scored_week
    on
        used.model_code = scored_week.model_code
        and index_week.trade_week = scored_week.trade_week
inner join universe on index_week.trade_week = universe.trade_week
inner join {{ ref("int_tradability_day") }} as tradability
    on
        universe.trade_week = tradability.trade_date
        and universe.security_code = tradability.security_code
left join index_weight
    on
        used.index_code = index_weight.index_code
        and universe.trade_week = index_weight.trade_week
        and universe.security_code = index_weight.security_code
left join score
    on
        used.model_code = score.model_code
        and universe.trade_week = score.trade_week
        and universe.security_code = score.security_code
left join {{ ref("int_model_input_industry_daily") }} as industry
    on
        universe.trade_week = industry.trade_date
        and universe.security_code = industry.security_code
left join standard_style
    on
        universe.trade_week = standard_style.trade_week
        and universe.security_code = standard_style.security_code
