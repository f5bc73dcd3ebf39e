with security_day as (
    select
        trade_date,
        count(*) as security_count,
        count(*) filter (where daily_return is null) as first_day_count,
    from {{ ref("int_security_day") }}
    group by trade_date
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
    cast(industry_return.industry_system as varchar) as industry_system,
    cast(industry_return.trade_date as date) as trade_date,
    cast(security_day.security_count as bigint) as security_count,
    cast(industry_return.member_count as bigint) as member_count,
    cast(security_day.first_day_count as bigint) as first_day_count,
    cast(
        security_day.security_count - security_day.first_day_count
        - industry_return.member_count as bigint
    ) as without_industry_count,
    cast(
        industry_return.member_count - industry_return.weighted_count as bigint
    ) as without_cap_count,
    cast(
        coalesce(diffusion.diffusion_member_count, 0) as bigint
    ) as diffusion_member_count,
    cast(
        coalesce(diffusion.diffusion_excluded_count, 0) as bigint
    ) as diffusion_excluded_count,
from industry_return
inner join security_day on industry_return.trade_date = security_day.trade_date
left join diffusion
    on
        industry_return.industry_system = diffusion.industry_system
        and industry_return.trade_date = diffusion.trade_date
