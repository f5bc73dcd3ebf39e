with portfolio as (
    select
        strategy_code,
        signal_date,
        security_code,
        target_weight,
        outcome,
        reason,
        decision_time,
        bounds,
        -- What the seeds say today may be another index.
        bounds ->> '$.index_code' as index_code,
        bounds ->> '$.model_code' as model_code,
    from {{ ref("stg_portfolio_weight") }}
),

index_weight as (
    select
        index_code,
        trade_week,
        security_code,
    from {{ ref("int_index_weight_weekly") }}
    where weight_source = 'published'
),

-- All rows of a portfolio say the same of it.
summed as (
    select
        portfolio.strategy_code,
        portfolio.signal_date,
        portfolio.index_code,
        portfolio.model_code,
        any_value(portfolio.outcome) as outcome,
        any_value(portfolio.reason) as reason,
        any_value(portfolio.decision_time) as decision_time,
        any_value(portfolio.bounds) as bounds,
        count(*) as held_count,
        count(index_weight.security_code) as member_count,
        {{ exact_sum("portfolio.target_weight", 15) }} as weight_sum,
        {{
            exact_sum(
                "case when index_weight.security_code is not null "
                "then portfolio.target_weight else 0 end",
                15,
            )
        }} as member_share,
        max(portfolio.target_weight) as largest_weight,
    from portfolio
    semi join {{ ref("int_enhancement") }} as enhancement
        on portfolio.strategy_code = enhancement.strategy_code
    left join index_weight
        on
            portfolio.index_code = index_weight.index_code
            and portfolio.signal_date = index_weight.trade_week
            and portfolio.security_code = index_weight.security_code
    group by
        portfolio.strategy_code,
        portfolio.signal_date,
        portfolio.index_code,
        portfolio.model_code
)

select
    cast(strategy_code as varchar) as strategy_code,
    cast(signal_date as date) as signal_date,
    cast(index_code as varchar) as index_code,
    cast(model_code as varchar) as model_code,
    cast(outcome as varchar) as outcome,
    cast(reason as varchar) as reason,
    cast(decision_time as timestamp) as decision_time,
    cast(held_count as integer) as held_count,
    cast(member_count as integer) as member_count,
    cast(weight_sum as double) as weight_sum,
    cast(member_share as double) as member_share,
    cast(largest_weight as double) as largest_weight,
    {% for bound in [
        "minimum_member_share", "stock_deviation", "industry_deviation",
        "style_deviation", "two_way_turnover",
    ] -%}
    cast(bounds ->> '$.{{ bound }}' as double) as {{ bound }},
    {% endfor -%}
    cast(bounds ->> '$.styles' as varchar) as styles,
from summed
