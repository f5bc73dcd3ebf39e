{{
    config(
        materialized="incremental",
        incremental_strategy="rewrite_window",
        on_schema_change="fail",
        meta={"window_column": "trade_week"},
    )
}}

-- Blends of factors are models as networks are.
with given as (
    select
        model_code,
        trade_week,
        security_code,
        score,
        decision_time,
    from {{ ref("stg_model_score") }}
    where
        isfinite(score)
        and {{ in_build_window("trade_week") }}
    union all
    select
        model_code,
        trade_week,
        security_code,
        score,
        cast(null as timestamp) as decision_time,
    from {{ ref("int_factor_blend_weekly") }}
    where {{ in_build_window("trade_week") }}
),

united as (
    {{ stock_scores("given", in_build_window("trade_week")) }}
)

select
    model_code,
    trade_week,
    security_code,
    score,
    z_score,
    case
        when is_counted
            then
                rank() over (
                    partition by model_code, trade_week, is_counted
                    order by score desc
                )
    end as score_rank,
    case
        when is_counted
            then
                percent_rank() over (
                    partition by model_code, trade_week, is_counted
                    order by score asc
                )
    end as pct_rank,
    decision_time,
    is_counted,
    is_traded,
from united
