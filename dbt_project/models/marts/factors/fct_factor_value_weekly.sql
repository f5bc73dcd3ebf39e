{{
    config(
        materialized="incremental",
        incremental_strategy="rewrite_window",
        on_schema_change="fail",
        meta={"window_column": "trade_week"},
    )
}}

{%- for panel in factor_panels() %}
{{ "union all" if not loop.first }}
select
    cast(factor_code as varchar) as factor_code,
    cast(trade_week as date) as trade_week,
    cast(security_code as varchar) as security_code,
    cast(value as double) as value,
    cast(z_score as double) as z_score,
    cast(neutral_z_score as double) as neutral_z_score,
from (
    {% if panel.tested -%}
    {{ long_factor_values(panel_with_scores(panel), panel.factors) }}
    {%- else -%}
    {{ factor_values(panel.model, panel.factors) }}
    {%- endif %}
) as factor_value
{%- endfor %}
