with security_day as (
    select
        trade_date,
        count(*) as security_count,
        count(*) filter (where daily_return is null) as first_day_count,
    from {{ ref("int_security_day") }}
    group by trade_date
),

member_count as (
    select
        industry_system,
        trade_date,
        sum(return_count) as return_count,
    from {{ ref("int_industry_member_count") }}
    group by industry_system, trade_date
),

-- Every loaded day since the system's first member.
system_day as (
    select
        system_start.industry_system,
        trading_day.trade_date,
    from (
        select
            industry_system,
            min(trade_date) as first_date,
        from member_count
        group by industry_system
    ) as system_start
    inner join
        {{ ref("int_trading_day") }} as trading_day
        on system_start.first_date <= trading_day.trade_date
    where trading_day.is_loaded
),

industry_return as (
    select
        industry_system,
        trade_date,
        sum(member_count) as member_count,
        sum(weighted_count) as weighted_count,
    from {{ ref("fct_industry_return_daily") }}
    group by industry_system, trade_date
),

diffusion as (
    select
        industry_system,
        trade_date,
        sum(member_count) as diffusion_member_count,
        sum(excluded_count) as diffusion_excluded_count,
    from {{ ref("fct_diffusion_index_daily") }}
    where variant = 'default'
    group by industry_system, trade_date
)

select
    cast(system_day.industry_system as varchar) as industry_system,
    cast(system_day.trade_date as date) as trade_date,
    cast(coalesce(security_day.security_count, 0) as bigint) as security_count,
    cast(coalesce(industry_return.member_count, 0) as bigint) as member_count,
    cast(coalesce(security_day.first_day_count, 0) as bigint) as first_day_count,
    -- Not from the returns: what they lack shows in counts that do not add up.
    cast(
        coalesce(security_day.security_count - security_day.first_day_count, 0)
        - coalesce(member_count.return_count, 0) as bigint
    ) as without_industry_count,
    cast(
        coalesce(industry_return.member_count - industry_return.weighted_count, 0)
        as bigint
    ) as without_cap_count,
    cast(
        coalesce(diffusion.diffusion_member_count, 0) as bigint
    ) as diffusion_member_count,
    cast(
        coalesce(diffusion.diffusion_excluded_count, 0) as bigint
    ) as diffusion_excluded_count,
from system_day
left join security_day on system_day.trade_date = security_day.trade_date
left join member_count
    on
        system_day.industry_system = member_count.industry_system
        and system_day.trade_date = member_count.trade_date
left join industry_return
    on
        system_day.industry_system = industry_return.industry_system
        and system_day.trade_date = industry_return.trade_date
left join diffusion
    on
        system_day.industry_system = diffusion.industry_system
        and system_day.trade_date = diffusion.trade_date
