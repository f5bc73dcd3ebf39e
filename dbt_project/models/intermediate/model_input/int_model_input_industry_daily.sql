{{ config(materialized="view", tags=["model_input"]) }}

with member as (
    select
        security_code,
        industry_system,
        industry_code,
        valid_from,
        coalesce(valid_to, date '9999-12-31') as valid_to,
    from {{ ref("int_industry_member") }}
    where industry_system in ('citic1', 'shenwan1')
),

citic as (
    select min(valid_from) as first_day,
    from member
    where industry_system = 'citic1'
),

-- CITIC from its first range on, Shenwan before.
trading_day as (
    select
        day.trade_date,
        case
            when day.trade_date >= citic.first_day then 'citic1'
            else 'shenwan1'
        end as industry_system,
    from {{ ref("int_trading_day") }} as day
    cross join citic
    where day.is_loaded
),

numbered as (
    select
        industry_code,
        row_number() over (order by industry_code) as industry,
    from member
    group by industry_code
)

select
    trading_day.trade_date,
    member.security_code,
    numbered.industry,
from trading_day
inner join member
    on
        trading_day.industry_system = member.industry_system
        and trading_day.trade_date >= member.valid_from
        and trading_day.trade_date < member.valid_to
inner join numbered on member.industry_code = numbered.industry_code
