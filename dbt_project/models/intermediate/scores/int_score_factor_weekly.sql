{{
    config(
        materialized="incremental",
        incremental_strategy="rewrite_window",
        on_schema_change="fail",
        meta={"window_column": "trade_week"},
    )
}}

select
    trade_week,
    security_code,
    {% for model_code in score_factor_codes() -%}
    max(score) filter (where model_code = '{{ model_code }}') as {{ model_code }},
    {% endfor -%}
from {{ ref("int_stock_score_weekly") }}
where {{ in_build_window("trade_week") }}
group by trade_week, security_code
