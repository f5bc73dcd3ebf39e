{%- set signs = text_composite_signs() -%}

-- Whole in every build: a week ranks a pool only once its month has ended, which may be
-- after the window that brought it.
with component as (
    {{
        factor_values(
            "int_text_component_weekly",
            signs.keys() | list,
            is_windowed=false,
            sizes=["log_capital"],
        )
    }}
),

signed as (
    select
        trade_week,
        security_code,
        factor_code,
        neutral_z_score
        * case factor_code
            {%- for code, sign in signs.items() %}
            when '{{ code }}' then {{ sign }}
            {%- endfor %}
        end as position_score,
    from component
    where neutral_z_score is not null
),

loaded as (
    select
        trade_week,
        count(distinct factor_code) as loaded_count,
    from signed
    group by trade_week
)

select
    signed.trade_week,
    signed.security_code,
    {{ score_sum("signed.position_score") }} / count(*) as composite_score,
    count(*) as component_count,
    any_value(loaded.loaded_count) as loaded_count,
from signed
inner join loaded on signed.trade_week = loaded.trade_week
group by signed.trade_week, signed.security_code
having
    count(*)
    >= {{ var("text_composite_minimum_share") }} * any_value(loaded.loaded_count)
