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

score_week as (
    select trade_week,
    from score
    group by trade_week
),

float_cap as (
    select
        security_day.trade_date as trade_week,
        security_day.security_code,
        security_day.float_cap_cny,
        security_day.float_source,
    from {{ ref("int_security_day") }} as security_day
    semi join score_week on security_day.trade_date = score_week.trade_week
    where security_day.float_cap_cny is not null
),

industry_member as (
    {{ open_ended_industry_member() }}
),

member as (
    select
        industry_member.industry_system,
        industry_member.industry_code,
        float_cap.trade_week,
        float_cap.security_code,
        float_cap.float_cap_cny,
        float_cap.float_source,
    from float_cap
    inner join industry_member
        on
            float_cap.security_code = industry_member.security_code
            and float_cap.trade_week >= industry_member.valid_from
            and float_cap.trade_week < industry_member.valid_to
),

summed_by_industry as (
    select
        score.model_code,
        member.industry_system,
        member.industry_code,
        score.trade_week,
        count(*) as member_count,
        count(*) filter (where member.float_source = 'total') as total_weighted_count,
        {{ exact_sum("member.float_cap_cny", 4) }} as float_cap_cny,
        {{ exact_sum("member.float_cap_cny * score.z_score", 4) }} as weighted_score,
    from score
    inner join member
        on
            score.trade_week = member.trade_week
            and score.security_code = member.security_code
    group by
        score.model_code,
        member.industry_system,
        member.industry_code,
        score.trade_week
),

averaged as (
    select
        *,
        case
            when member_count >= {{ var("score_minimum_members") }}
                then {{ safe_divide("weighted_score", "float_cap_cny") }}
        end as score,
        case
            when total_weighted_count = 0 then 'float'
            when total_weighted_count = member_count then 'total'
            else 'mixed'
        end as weight_source,
    from summed_by_industry
),

compared as (
    {{
        compared_group_scores(
            "averaged", "industry_code", ["model_code", "industry_system"]
        )
    }}
)

select
    model_code,
    industry_system,
    industry_code,
    trade_week,
    100 * score as score,
    z_score,
    score_rank,
    100 * change as change,
    member_count,
    weight_source,
from compared
where {{ in_build_window("trade_week") }}
