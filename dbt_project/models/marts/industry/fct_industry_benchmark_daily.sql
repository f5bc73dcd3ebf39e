with industry_return as (
    select
        industry_system,
        trade_date,
        equal_weight_return,
        float_cap_return,
        overnight_return,
        intraday_return,
        previous_float_cap_cny,
        member_count,
    from {{ ref("fct_industry_return_daily") }}
)

select
    cast(industry_system as varchar) as industry_system,
    cast(trade_date as date) as trade_date,
    cast({{ exact_mean("float_cap_return", 15) }} as double) as benchmark_return,
    cast({{ exact_mean("overnight_return", 15) }} as double) as overnight_return,
    cast({{ exact_mean("intraday_return", 15) }} as double) as intraday_return,
    cast(
        {{
            safe_divide(
                exact_sum("previous_float_cap_cny * float_cap_return", 4),
                exact_sum("previous_float_cap_cny", 4),
            )
        }} as double
    ) as market_return,
    cast(count(*) as bigint) as industry_count,
    cast(sum(member_count) as bigint) as member_count,
from industry_return
group by industry_system, trade_date
