with daily as (
    select
        industry_system,
        industry_code,
        trade_date,
        equal_weight_return,
        float_cap_return,
        overnight_return,
        intraday_return,
        member_count,
        weight_source,
    from {{ ref("fct_industry_return_daily") }}
),

trading_day as (
    select
        trade_date,
        trade_week,
    from {{ ref("int_trading_day") }}
    where is_week_complete
),

compounded_by_week as (
    select
        daily.industry_system,
        daily.industry_code,
        trading_day.trade_week,
        count(*) as day_count,
        {{ compound("daily.equal_weight_return", "daily.trade_date") }}
            as equal_weight_return,
        {{ compound("daily.float_cap_return", "daily.trade_date") }}
            as float_cap_return,
        {{ compound("daily.overnight_return", "daily.trade_date") }}
            as overnight_return,
        {{ compound("daily.intraday_return", "daily.trade_date") }}
            as intraday_return,
        arg_max(daily.member_count, daily.trade_date) as member_count,
        count(daily.float_cap_return) as weighted_day_count,
        min(daily.weight_source) as lowest_weight_source,
        max(daily.weight_source) as highest_weight_source,
    from daily
    inner join trading_day on daily.trade_date = trading_day.trade_date
    group by daily.industry_system, daily.industry_code, trading_day.trade_week
)

select
    cast(industry_system as varchar) as industry_system,
    cast(industry_code as varchar) as industry_code,
    cast(trade_week as date) as trade_week,
    cast(equal_weight_return as double) as equal_weight_return,
    -- A week with an unweighted day has no weighted return, not a shorter one.
    cast(
        case when weighted_day_count = day_count then float_cap_return end as double
    ) as float_cap_return,
    cast(
        case when weighted_day_count = day_count then overnight_return end as double
    ) as overnight_return,
    cast(
        case when weighted_day_count = day_count then intraday_return end as double
    ) as intraday_return,
    cast(member_count as bigint) as member_count,
    cast(day_count as bigint) as day_count,
    cast(
        case
            when weighted_day_count < day_count then null
            when lowest_weight_source = highest_weight_source then lowest_weight_source
            else 'mixed'
        end as varchar
    ) as weight_source,
from compounded_by_week
