with trading_day as (
    select trade_date,
    from {{ ref("int_trading_day") }}
    where is_loaded
),

limit_down as (
    select
        tradability.trade_date,
        tradability.security_code,
    from {{ ref("int_tradability_day") }} as tradability
    where
        tradability.closes_at_limit_down
        and not tradability.is_st
        and tradability.listed_days > {{ var("limit_up_listing_days") }}
),

at_limit as (
    select
        trade_date,
        security_code,
        run_days,
    from {{ ref("fct_limit_up_stock_daily") }}
    where not is_listing_run
    union all
    select
        trade_date,
        security_code,
        null as run_days,
    from limit_down
),

industry_member as (
    {{ open_ended_industry_member() }}
),

industry_system as (
    select industry_system,
    from {{ ref("industry") }}
    group by industry_system
),

-- Without a limit price of any stock, as on the first day, none could close at it.
limited_day as (
    select tradability.trade_date,
    from {{ ref("int_tradability_day") }} as tradability
    inner join trading_day on tradability.trade_date = trading_day.trade_date
    where tradability.limit_up_cny is not null
    group by tradability.trade_date
),

spine as (
    select
        member_count.industry_system,
        member_count.industry_code,
        member_count.trade_date,
    from {{ ref("int_industry_member_count") }} as member_count
    inner join limited_day on member_count.trade_date = limited_day.trade_date
    where member_count.listed_count > 0
    union all
    select
        industry_system.industry_system,
        {{ market_code() }} as industry_code,
        limited_day.trade_date,
    from limited_day
    cross join industry_system
),

attributed as (
    select
        industry_member.industry_system,
        industry_member.industry_code,
        at_limit.trade_date,
        at_limit.run_days,
    from at_limit
    inner join industry_member
        on
            at_limit.security_code = industry_member.security_code
            and at_limit.trade_date >= industry_member.valid_from
            and at_limit.trade_date < industry_member.valid_to
    union all
    select
        industry_system.industry_system,
        {{ market_code() }} as industry_code,
        at_limit.trade_date,
        at_limit.run_days,
    from at_limit
    cross join industry_system
),

counted as (
    select
        industry_system,
        industry_code,
        trade_date,
        count(run_days) as limit_up_count,
        count(*) filter (where run_days is null) as limit_down_count,
        max(run_days) as longest_run,
        count(*) filter (where run_days = 1) as first_day_count,
        count(*) filter (where run_days = 2) as second_day_count,
        count(*) filter (where run_days = 3) as third_day_count,
        count(*) filter (where run_days > 3) as later_day_count,
    from attributed
    group by industry_system, industry_code, trade_date
)

select
    cast(spine.industry_system as varchar) as industry_system,
    cast(spine.industry_code as varchar) as industry_code,
    cast(spine.trade_date as date) as trade_date,
    cast(coalesce(counted.limit_up_count, 0) as bigint) as limit_up_count,
    cast(coalesce(counted.limit_down_count, 0) as bigint) as limit_down_count,
    cast(coalesce(counted.longest_run, 0) as bigint) as longest_run,
    cast(coalesce(counted.first_day_count, 0) as bigint) as first_day_count,
    cast(coalesce(counted.second_day_count, 0) as bigint) as second_day_count,
    cast(coalesce(counted.third_day_count, 0) as bigint) as third_day_count,
    cast(coalesce(counted.later_day_count, 0) as bigint) as later_day_count,
from spine
left join counted
    on
        spine.industry_system = counted.industry_system
        and spine.industry_code = counted.industry_code
        and spine.trade_date = counted.trade_date
