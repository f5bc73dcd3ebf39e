{{
    config(
        materialized="incremental",
        incremental_strategy="rewrite_window",
        on_schema_change="fail",
        meta={"window_column": "trade_week"},
    )
}}

-- A factor that a stock lacks leaves its weight to the others, down to a share of the
-- factors below which the rest would be another blend under this one's name.
{%- set factors = high_frequency_factors().keys() | list %}
{%- set minimum = var("factor_blend_minimum_share") * factors | length %}
{%- set parts = [] %}
{%- set sizes = [] %}
{%- for factor in factors %}
{%- set weight, value = "weight." ~ factor, "panel." ~ factor %}
{%- do parts.append(weight ~ " * " ~ value) %}
{%- do sizes.append("if(" ~ value ~ " is null, null, abs(" ~ weight ~ "))") %}
{%- endfor %}

with weight as (
    select
        model_code,
        trade_week,
        {% for factor in factors -%}
        max(weight) filter (where factor_code = '{{ factor }}') as {{ factor }},
        {% endfor -%}
    from {{ ref("int_factor_blend_weight_weekly") }}
    where {{ in_build_window("trade_week") }}
    group by model_code, trade_week
),

blended as (
    select
        weight.model_code,
        panel.trade_week,
        panel.security_code,
        [{{ parts | join(", ") }}] as parts,
        [{{ sizes | join(", ") }}] as sizes,
    from {{ ref("int_neutral_high_frequency_factor_weekly") }} as panel
    inner join weight on panel.trade_week = weight.trade_week
    where {{ in_build_window("panel.trade_week") }}
)

select
    model_code,
    trade_week,
    security_code,
    list_sum(parts) / list_sum(sizes) as score,
    list_count(parts) as factor_count,
from blended
where
    list_count(parts) >= {{ minimum }}
    and list_sum(sizes) > 0
