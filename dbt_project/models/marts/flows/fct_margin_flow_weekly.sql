with daily as (
    select
        industry_system,
        industry_code,
        trade_date,
        balance_source,
        financing_balance_cny,
        financing_balance_change_cny,
        security_count,
    from {{ ref("int_margin_flow_daily") }}
),

trading_day as (
    select
        trade_date,
        next_trade_date,
        trade_week,
        previous_trade_week,
        is_week_end,
    from {{ ref("int_trading_day") }}
    where is_week_complete
),

-- Balances of a kind must be there at both ends of the week.
loaded_day as (
    select
        industry_system,
        balance_source,
        trade_date,
    from daily
    where industry_code = {{ market_code() }}
),

summed_by_week as (
    select
        daily.industry_system,
        daily.industry_code,
        daily.balance_source,
        trading_day.trade_week,
        {{ exact_sum("daily.financing_balance_change_cny", 2) }} as change_cny,
        count(*) as day_count,
    from daily
    inner join trading_day on daily.trade_date = trading_day.trade_date
    group by
        daily.industry_system,
        daily.industry_code,
        daily.balance_source,
        trading_day.trade_week
),

with_ends as (
    select
        summed_by_week.*,
        week_end.next_trade_date,
        coalesce(at_end.financing_balance_cny, 0) as financing_balance_cny,
        at_end.security_count,
    from summed_by_week
    inner join trading_day as week_end
        on
            summed_by_week.trade_week = week_end.trade_week
            and week_end.is_week_end
    semi join loaded_day as loaded_end
        on
            summed_by_week.industry_system = loaded_end.industry_system
            and summed_by_week.balance_source = loaded_end.balance_source
            and summed_by_week.trade_week = loaded_end.trade_date
    semi join loaded_day as loaded_start
        on
            summed_by_week.industry_system = loaded_start.industry_system
            and summed_by_week.balance_source = loaded_start.balance_source
            and week_end.previous_trade_week = loaded_start.trade_date
    left join daily as at_end
        on
            summed_by_week.industry_system = at_end.industry_system
            and summed_by_week.industry_code = at_end.industry_code
            and summed_by_week.balance_source = at_end.balance_source
            and summed_by_week.trade_week = at_end.trade_date
),

chosen as (
    select *,
    from with_ends
    qualify
        row_number() over (
            partition by industry_system, industry_code, trade_week
            order by balance_source asc
        ) = 1
)

select
    cast(industry_system as varchar) as industry_system,
    cast(industry_code as varchar) as industry_code,
    cast(trade_week as date) as trade_week,
    cast(next_trade_date as date) as known_date,
    cast(change_cny as double) as financing_balance_change_cny,
    cast(financing_balance_cny as double) as financing_balance_cny,
    cast(security_count as bigint) as security_count,
    cast(day_count as bigint) as day_count,
    cast(balance_source as varchar) as balance_source,
from chosen
