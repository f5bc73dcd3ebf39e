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
    {{ factor }}_neutral_z_score as {{ factor }},
    {{ factor }}_z_score,
    {% endfor %}
from (
    {{ neutral_panel("int_high_frequency_factor_weekly", factors) }}
) as scored
where is_in_universe
