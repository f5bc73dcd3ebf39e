{{
    config(
        materialized="incremental",
        incremental_strategy="rewrite_window",
        on_schema_change="fail",
        meta={"window_column": "trade_week"},
    )
}}

{%- set factors = high_frequency_factors().keys() | list %}

select
    trade_week,
    security_code,
    {% for factor in factors -%}
    max(neutral_z_score) filter (where factor_code = '{{ factor }}') as {{ factor }},
    {% endfor %}
from (
    {{ factor_values("int_high_frequency_factor_weekly", factors) }}
) as factor_value
where neutral_z_score is not null
group by trade_week, security_code
