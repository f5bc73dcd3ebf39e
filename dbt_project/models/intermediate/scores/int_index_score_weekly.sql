{{
    config(
        materialized="incremental",
        incremental_strategy="rewrite_window",
        on_schema_change="fail",
        meta={"window_column": "trade_week"},
    )
}}

-- A week more than the window, for the change from it.
with score as (
    select
        model_code,
        trade_week,
        security_code,
        z_score,
    from {{ ref("int_stock_score_weekly") }}
    where
        z_score is not null
        and {{ in_build_window("trade_week", lookback_days=10) }}
),

member as (
    select
        index_class,
        index_code,
        index_name,
        trade_week,
        security_code,
        weight,
        weight_source,
    from {{ ref("int_index_weight_weekly") }}
    where
        index_class in ({{ "'" ~ var("score_index_classes") | join("', '") ~ "'" }})
        and {{ in_build_window("trade_week", lookback_days=10) }}
),

summed_by_index as (
    select
        score.model_code,
        member.index_class,
        member.index_code,
        score.trade_week,
        any_value(member.index_name) as index_name,
        member.weight_source,
        count(*) as member_count,
        {{ exact_sum("member.weight", 15) }} as weight_sum,
        {{ exact_sum("member.weight * score.z_score", 15) }} as weighted_score,
    from score
    inner join member
        on
            score.trade_week = member.trade_week
            and score.security_code = member.security_code
    group by
        score.model_code,
        member.index_class,
        member.index_code,
        score.trade_week,
        member.weight_source
),

averaged as (
    select
        *,
        case
            when member_count >= {{ var("score_minimum_members") }}
                then {{ safe_divide("weighted_score", "weight_sum") }}
        end as score,
    from summed_by_index
),

compared as (
    {{
        compared_group_scores("averaged", "index_code", ["model_code", "index_class"])
    }}
)

select
    model_code,
    index_class,
    index_code,
    index_name,
    trade_week,
    score,
    z_score,
    score_rank,
    change,
    member_count,
    weight_source,
from compared
where {{ in_build_window("trade_week") }}
