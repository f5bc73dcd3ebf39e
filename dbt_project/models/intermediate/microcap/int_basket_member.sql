{{ config(materialized="view") }}

with index_member as (
    select
        index_code,
        security_code,
        valid_from,
        coalesce(valid_to, date '9999-12-31') as valid_to,
    from {{ ref("int_index_member") }}
    union all
    select
        industry_system || ':' || industry_code as index_code,
        security_code,
        valid_from,
        coalesce(valid_to, date '9999-12-31') as valid_to,
    from {{ ref("int_industry_member") }}
),

trading_day as (
    select trade_date,
    from {{ ref("int_trading_day") }}
    where is_loaded
)

select
    index_code,
    trade_date,
    security_code,
from {{ ref("int_microcap_member") }}
where index_code in ({{ basket_codes() }})
union all
select
    index_member.index_code,
    trading_day.trade_date,
    index_member.security_code,
from index_member
inner join trading_day
    on
        index_member.valid_from <= trading_day.trade_date
        and index_member.valid_to > trading_day.trade_date
where index_member.index_code in ({{ basket_codes() }})
