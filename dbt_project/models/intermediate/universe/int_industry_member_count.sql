-- Counted from the ends of listings and memberships, not from rows of the panel: cheap,
-- and a count that the tables made from the panel can be compared with.
with trading_day as (
    select trade_date,
    from {{ ref("int_trading_day") }}
    where is_loaded
),

lifetime as (
    select
        security_code,
        min(trade_date) as first_date,
        min(trade_date) filter (
            where previous_adjusted_close is not null
        ) as first_return_date,
        max(trade_date) + 1 as end_date,
    from {{ ref("int_security_price_day") }}
    where
        trade_date <= (
            select max(trading_day.trade_date),
            from trading_day
        )
    group by security_code
),

membership as (
    select
        member.industry_system,
        member.industry_code,
        greatest(member.valid_from, lifetime.first_date) as listed_from,
        case
            when lifetime.first_return_date is not null
                then greatest(member.valid_from, lifetime.first_return_date)
        end as returns_from,
        least(coalesce(member.valid_to, lifetime.end_date), lifetime.end_date)
            as valid_to,
    from {{ ref("int_industry_member") }} as member
    inner join lifetime on member.security_code = lifetime.security_code
),

change as (
    select
        industry_system,
        industry_code,
        listed_from as change_date,
        1 as listed_change,
        0 as return_change,
    from membership
    where listed_from < valid_to
    union all
    select
        industry_system,
        industry_code,
        valid_to as change_date,
        -1 as listed_change,
        0 as return_change,
    from membership
    where listed_from < valid_to
    union all
    select
        industry_system,
        industry_code,
        returns_from as change_date,
        0 as listed_change,
        1 as return_change,
    from membership
    where returns_from < valid_to
    union all
    select
        industry_system,
        industry_code,
        valid_to as change_date,
        0 as listed_change,
        -1 as return_change,
    from membership
    where returns_from < valid_to
),

changed_by_day as (
    select
        industry_system,
        industry_code,
        change_date,
        sum(listed_change) as listed_change,
        sum(return_change) as return_change,
    from change
    group by industry_system, industry_code, change_date
),

summed_so_far as (
    select
        industry_system,
        industry_code,
        change_date,
        sum(listed_change) over so_far as listed_count,
        sum(return_change) over so_far as return_count,
    from changed_by_day
    window so_far as (
        partition by industry_system, industry_code
        order by change_date
        rows between unbounded preceding and current row
    )
),

industry_day as (
    select
        industry.industry_system,
        industry.industry_code,
        trading_day.trade_date,
    from (
        select
            industry_system,
            industry_code,
        from summed_so_far
        group by industry_system, industry_code
    ) as industry
    cross join trading_day
)

select
    industry_day.industry_system,
    industry_day.industry_code,
    industry_day.trade_date,
    cast(summed_so_far.listed_count as bigint) as listed_count,
    cast(summed_so_far.return_count as bigint) as return_count,
from industry_day
asof inner join summed_so_far
    on
        industry_day.industry_system = summed_so_far.industry_system
        and industry_day.industry_code = summed_so_far.industry_code
        and industry_day.trade_date >= summed_so_far.change_date
where summed_so_far.listed_count > 0
