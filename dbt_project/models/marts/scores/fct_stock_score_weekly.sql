{{
    config(
        materialized="incremental",
        incremental_strategy="rewrite_window",
        on_schema_change="fail",
        meta={"window_column": "trade_week"},
    )
}}

select
    cast(model_code as varchar) as model_code,
    cast(trade_week as date) as trade_week,
    cast(security_code as varchar) as security_code,
    cast(score as double) as score,
    cast(z_score as double) as z_score,
    cast(score_rank as integer) as score_rank,
    cast(pct_rank as double) as pct_rank,
    cast(decision_time as timestamp) as decision_time,
    cast(is_counted as boolean) as is_counted,
from {{ ref("int_stock_score_weekly") }}
where {{ in_build_window("trade_week") }}
