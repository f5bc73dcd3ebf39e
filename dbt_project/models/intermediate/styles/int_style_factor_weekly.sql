{{
    config(
        materialized="incremental",
        incremental_strategy="rewrite_window",
        on_schema_change="fail",
        meta={"window_column": "trade_week"},
        tags=["model_input"],
    )
}}

{%- set composites = style_composites() %}
{%- set standardised = style_standardised() %}
{#- Factors that are made here; the others are components as they are. -#}
{%- set built = composites.keys() | list + [
    "nonlinear_size", "nonlinear_size_orthogonal", "expected_profit"
] %}

with component as (
    select
        component.*,
        universe.is_in_all,
    from {{ ref("int_style_component_weekly") }} as component
    inner join {{ ref("int_factor_universe_weekly") }} as universe
        on
            component.trade_week = universe.trade_week
            and component.security_code = universe.security_code
),

spread as (
    select
        trade_week,
        {% for column in standardised -%}
        {{ spread_aggregates(column) }},
        {% endfor %}
    from component
    where is_in_all
    group by trade_week
),

position_in_week as (
    select
        component.trade_week,
        component.security_code,
        component.is_in_all,
        {% for column in standardised -%}
        {{ cross_position(column) }} as {{ column }},
        {% endfor -%}
        {{ cross_position("log_market_cap", is_winsorised=false) }} as size,
    from component
    left join spread on component.trade_week = spread.trade_week
),

position_moment as (
    select
        trade_week,
        {% for column in standardised + ["size"] -%}
        {{ position_aggregates(column) }},
        {% endfor %}
    from position_in_week
    where is_in_all
    group by trade_week
),

z_score as (
    select
        position_in_week.trade_week,
        position_in_week.security_code,
        position_in_week.is_in_all,
        {% for column in standardised -%}
        {{ cross_z_score(column) }} as {{ column }},
        {% endfor -%}
        {{ cross_z_score("size") }} as size,
    from position_in_week
    left join position_moment
        on position_in_week.trade_week = position_moment.trade_week
),

composed as (
    select
        trade_week,
        security_code,
        is_in_all,
        beta,
        log_market_cap,
        size,
        power(size, 3) as nonlinear_size,
        expected_profit_cny as expected_profit,
        {% for factor, components in composites.items() -%}
        {{ composite(components) }} as {{ factor }},
        {% endfor %}
    from z_score
),

-- Only stocks that have all that is regressed take part in a regression.
regressed as (
    select
        *,
        is_in_all
        and residual_volatility is not null
        and beta is not null
        and log_market_cap is not null as is_in_volatility,
        is_in_all and size is not null as is_in_size,
    from composed
),

moment as (
    select
        trade_week,
        count(*) filter (where is_in_volatility) as volatility_n,
        count(*) filter (where is_in_size) as size_n,
        {% for name, expression in {
            "y": "residual_volatility",
            "a": "beta",
            "b": "log_market_cap",
            "yy": "residual_volatility * residual_volatility",
            "aa": "beta * beta",
            "bb": "log_market_cap * log_market_cap",
            "ab": "beta * log_market_cap",
            "ay": "beta * residual_volatility",
            "by": "log_market_cap * residual_volatility",
        }.items() -%}
        {{ exact_sum(expression, 18, "is_in_volatility") }} as volatility_{{ name }},
        {% endfor -%}
        {% for name, expression in {
            "y": "nonlinear_size",
            "a": "size",
            "yy": "nonlinear_size * nonlinear_size",
            "aa": "size * size",
            "ay": "size * nonlinear_size",
        }.items() -%}
        {{ exact_sum(expression, 18, "is_in_size") }} as size_{{ name }},
        {% endfor %}
    from regressed
    group by trade_week
),

-- Sums of squares and products about the means.
centred as (
    select
        trade_week,
        volatility_y / volatility_n as volatility_y,
        volatility_a / volatility_n as volatility_a,
        volatility_b / volatility_n as volatility_b,
        {% for pair in ["yy", "aa", "bb", "ab"] -%}
        volatility_{{ pair }}
        - volatility_{{ pair[0] }} * volatility_{{ pair[1] }} / volatility_n
            as volatility_{{ pair }},
        {% endfor -%}
        volatility_ay - volatility_a * volatility_y / volatility_n as volatility_ay,
        volatility_by - volatility_b * volatility_y / volatility_n as volatility_by,
        size_y / size_n as size_y,
        size_a / size_n as size_a,
        size_yy - size_y * size_y / size_n as size_yy,
        size_aa - size_a * size_a / size_n as size_aa,
        size_ay - size_a * size_y / size_n as size_ay,
    from moment
),

determined as (
    select
        *,
        volatility_aa * volatility_bb - volatility_ab * volatility_ab as determinant,
    from centred
),

slope as (
    select
        *,
        case
            when {{ is_left("determinant", "volatility_aa * volatility_bb") }}
                then
                    (volatility_ay * volatility_bb - volatility_by * volatility_ab)
                    / determinant
        end as beta_slope,
        case
            when {{ is_left("determinant", "volatility_aa * volatility_bb") }}
                then
                    (volatility_by * volatility_aa - volatility_ay * volatility_ab)
                    / determinant
        end as cap_slope,
        size_ay / nullif(size_aa, 0) as size_slope,
    from determined
),

orthogonal as (
    select
        regressed.trade_week,
        regressed.security_code,
        {% for factor in composites if factor != "residual_volatility" -%}
        regressed.{{ factor }},
        {% endfor -%}
        regressed.nonlinear_size,
        regressed.expected_profit,
        case
            when
                {{
                    is_left(
                        "slope.volatility_yy - slope.beta_slope * slope.volatility_ay "
                        "- slope.cap_slope * slope.volatility_by",
                        "slope.volatility_yy",
                    )
                }}
                then
                    regressed.residual_volatility - slope.volatility_y
                    - slope.beta_slope * (regressed.beta - slope.volatility_a)
                    - slope.cap_slope * (regressed.log_market_cap - slope.volatility_b)
        end as residual_volatility,
        case
            when
                {{
                    is_left(
                        "slope.size_yy - slope.size_slope * slope.size_ay",
                        "slope.size_yy",
                    )
                }}
                then
                    regressed.nonlinear_size - slope.size_y
                    - slope.size_slope * (regressed.size - slope.size_a)
        end as nonlinear_size_orthogonal,
    from regressed
    inner join slope on regressed.trade_week = slope.trade_week
)

select
    component.trade_week,
    component.security_code,
    {% for factor in style_factor_codes() -%}
    {{ "orthogonal" if factor in built else "component" }}.{{ factor }},
    {% endfor %}
    component.turnover_1m_log,
    component.turnover_12m_log,
    component.cash_ep,
    component.sales_growth_q,
from component
inner join orthogonal
    on
        component.trade_week = orthogonal.trade_week
        and component.security_code = orthogonal.security_code
