{{
    config(
        materialized="incremental",
        incremental_strategy="rewrite_window",
        on_schema_change="fail",
        meta={"window_column": "trade_week"},
    )
}}

-- Blends of factors are models as networks are. A fused model is the weighted mean of
-- the standard scores of its parts: a stock that lacks one of them has none. What is
-- scored on a day that ends no complete week is not used, nor a stock not listed on it.
with status as (
    select
        trade_week,
        security_code,
        is_in_all,
        is_traded,
    from {{ ref("int_factor_universe_weekly") }}
    where {{ in_build_window("trade_week") }}
),

given as (
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

model_score as (
    select
        given.model_code,
        given.trade_week,
        given.security_code,
        given.score,
        coalesce(
            given.decision_time,
            given.trade_week + interval 15 hour
        ) as decision_time,
        status.is_in_all as is_counted,
        status.is_traded,
    from given
    inner join status
        on
            given.trade_week = status.trade_week
            and given.security_code = status.security_code
),

standardised as (
    {{ standardised_scores("model_score") }}
),

fusion as (
    select
        model_code,
        part_code,
        weight,
        count(*) over (partition by model_code) as part_count,
        sum(weight) over (partition by model_code) as weight_sum,
    from {{ ref("score_fusion") }}
),

fused as (
    select
        fusion.model_code,
        standardised.trade_week,
        standardised.security_code,
        {{ score_sum("fusion.weight * standardised.z_score") }}
        / any_value(fusion.weight_sum) as score,
        max(standardised.decision_time) as decision_time,
        true as is_counted,
        bool_and(standardised.is_traded) as is_traded,
    from standardised
    inner join fusion on standardised.model_code = fusion.part_code
    where standardised.z_score is not null
    group by
        fusion.model_code,
        standardised.trade_week,
        standardised.security_code
    having count(*) = any_value(fusion.part_count)
),

fused_standardised as (
    {{ standardised_scores("fused") }}
),

united as (
    select
        model_code,
        trade_week,
        security_code,
        score,
        decision_time,
        is_counted,
        is_traded,
        z_score,
    from standardised
    union all
    select
        model_code,
        trade_week,
        security_code,
        score,
        decision_time,
        is_counted,
        is_traded,
        z_score,
    from fused_standardised
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
