with flow as (
    select
        industry_system,
        industry_code,
        trade_date,
        previous_date,
        balance_source,
        financing_balance_cny,
        financing_balance_change_cny,
        security_count,
    from {{ ref("int_margin_flow_daily") }}
    -- The market as reported, where it is: the sum of the securities lacks what is lent
    -- against funds.
    qualify
        row_number() over (
            partition by industry_system, industry_code, trade_date
            order by balance_source asc
        ) = 1
),

trading_day as (
    select
        trade_date,
        next_trade_date,
    from {{ ref("int_trading_day") }}
)

select
    cast(flow.industry_system as varchar) as industry_system,
    cast(flow.industry_code as varchar) as industry_code,
    cast(flow.trade_date as date) as trade_date,
    cast(trading_day.next_trade_date as date) as known_date,
    cast(flow.previous_date as date) as previous_date,
    cast(flow.financing_balance_change_cny as double) as financing_balance_change_cny,
    cast(flow.financing_balance_cny as double) as financing_balance_cny,
    cast(flow.security_count as bigint) as security_count,
    cast(flow.balance_source as varchar) as balance_source,
from flow
inner join trading_day on flow.trade_date = trading_day.trade_date
