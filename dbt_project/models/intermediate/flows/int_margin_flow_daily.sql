with trading_day as (
    select trade_date,
    from {{ ref("int_trading_day") }}
    where is_loaded
),

balance as (
    select
        margin.security_code,
        margin.trade_date,
        margin.financing_balance_cny,
    from {{ ref("stg_margin_balance") }} as margin
    inner join trading_day on margin.trade_date = trading_day.trade_date
    where margin.financing_balance_cny is not null
),

security_count as (
    select
        trade_date,
        count(*) as security_count,
    from balance
    where security_code <> {{ market_code() }}
    group by trade_date
),

margin_day as (
    select
        trade_date,
        lag(trade_date) over (order by trade_date) as previous_date,
        lead(trade_date) over (order by trade_date) as next_date,
    from (
        select
            trade_date,
            security_count,
            max(security_count) over (
                order by trade_date
                rows between unbounded preceding and current row
            ) as largest_count,
        from security_count
    ) as counted
    where security_count >= {{ var("margin_day_minimum_share") }} * largest_count
),

-- What a security had the day before is taken from the industry that it is in today: a
-- move from one industry to another is no flow.
posted as (
    select
        balance.security_code,
        balance.trade_date,
        balance.financing_balance_cny,
        balance.financing_balance_cny as change_cny,
        1 as security_count,
    from balance
    inner join margin_day on balance.trade_date = margin_day.trade_date
    where balance.security_code <> {{ market_code() }}
    union all
    select
        balance.security_code,
        margin_day.next_date as trade_date,
        0 as financing_balance_cny,
        -balance.financing_balance_cny as change_cny,
        0 as security_count,
    from balance
    inner join margin_day on balance.trade_date = margin_day.trade_date
    where
        balance.security_code <> {{ market_code() }}
        and margin_day.next_date is not null
),

industry_member as (
    {{ open_ended_industry_member() }}
),

by_industry as (
    select
        industry_member.industry_system,
        industry_member.industry_code,
        posted.trade_date,
        {{ exact_sum("posted.financing_balance_cny", 2) }} as financing_balance_cny,
        {{ exact_sum("posted.change_cny", 2) }} as change_cny,
        sum(posted.security_count) as security_count,
    from posted
    inner join industry_member
        on
            posted.security_code = industry_member.security_code
            and posted.trade_date >= industry_member.valid_from
            and posted.trade_date < industry_member.valid_to
    group by
        industry_member.industry_system,
        industry_member.industry_code,
        posted.trade_date
),

of_all_securities as (
    select
        trade_date,
        {{ exact_sum("financing_balance_cny", 2) }} as financing_balance_cny,
        {{ exact_sum("change_cny", 2) }} as change_cny,
        sum(security_count) as security_count,
    from posted
    group by trade_date
),

reported as (
    select
        trade_date,
        lag(trade_date) over (order by trade_date) as previous_date,
        financing_balance_cny,
        financing_balance_cny
        - lag(financing_balance_cny) over (order by trade_date) as change_cny,
    from balance
    where security_code = {{ market_code() }}
),

industry_system as (
    select industry_system,
    from {{ ref("industry") }}
    group by industry_system
)

select
    by_industry.industry_system,
    by_industry.industry_code,
    by_industry.trade_date,
    margin_day.previous_date,
    'securities' as balance_source,
    by_industry.financing_balance_cny,
    -- On the first day of all, everything would be a change.
    case
        when margin_day.previous_date is not null then by_industry.change_cny
    end as financing_balance_change_cny,
    cast(by_industry.security_count as bigint) as security_count,
from by_industry
inner join margin_day on by_industry.trade_date = margin_day.trade_date
union all
select
    industry_system.industry_system,
    {{ market_code() }} as industry_code,
    of_all_securities.trade_date,
    margin_day.previous_date,
    'securities' as balance_source,
    of_all_securities.financing_balance_cny,
    case
        when margin_day.previous_date is not null then of_all_securities.change_cny
    end as financing_balance_change_cny,
    cast(of_all_securities.security_count as bigint) as security_count,
from of_all_securities
inner join margin_day on of_all_securities.trade_date = margin_day.trade_date
cross join industry_system
union all
select
    industry_system.industry_system,
    {{ market_code() }} as industry_code,
    reported.trade_date,
    reported.previous_date,
    'reported' as balance_source,
    reported.financing_balance_cny,
    reported.change_cny as financing_balance_change_cny,
    cast(null as bigint) as security_count,
from reported
cross join industry_system
