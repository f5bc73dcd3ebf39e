{{
    config(
        materialized="incremental",
        incremental_strategy="rewrite_window",
        on_schema_change="fail",
    )
}}

{#- Exchange days of the longest month, and the month's end before it. #}
{%- set month_days = 25 %}

with trading_day as (
    select
        trade_date,
        day_index,
        max(case when is_month_end then trade_date end) over (
            order by trade_date
            rows between unbounded preceding and 1 preceding
        ) as basis_date,
    from {{ ref("int_trading_day") }}
    where is_loaded
    qualify {{ in_build_window("trade_date") }}
),

security_day as (
    select
        trade_date,
        security_code,
        adjusted_close,
    from {{ ref("int_security_day") }}
    where {{ in_build_window("trade_date", lookback_days=month_days) }}
),

-- What is bought at a month's last close: its members, the same amount of each.
basis as (
    select
        member.index_code,
        member.security_code,
        member.trade_date as basis_date,
        security_day.adjusted_close as basis_close,
    from {{ ref("int_microcap_member") }} as member
    inner join security_day
        on
            member.security_code = security_day.security_code
            and member.trade_date = security_day.trade_date
    where member.trade_date in (select trading_day.basis_date, from trading_day)
),

grown as (
    select
        basis.index_code,
        basis.basis_date,
        basis.security_code,
        trading_day.trade_date,
        security_day.adjusted_close / basis.basis_close as growth,
    from security_day
    inner join trading_day on security_day.trade_date = trading_day.trade_date
    inner join basis
        on
            security_day.security_code = basis.security_code
            and trading_day.basis_date = basis.basis_date
),

-- A share that leaves the exchange within the month keeps its last price.
last_known as (
    select
        basis.index_code,
        basis.basis_date,
        basis.security_code,
        max(security_day.trade_date) as last_date,
        arg_max(security_day.adjusted_close, security_day.trade_date)
        / any_value(basis.basis_close) as growth,
    from basis
    inner join {{ ref("stg_security") }} as security
        on
            basis.security_code = security.security_code
            and basis.basis_date + 62 > security.delist_date
    inner join security_day
        on
            basis.security_code = security_day.security_code
            and basis.basis_date <= security_day.trade_date
    group by basis.index_code, basis.basis_date, basis.security_code
),

carried as (
    select
        last_known.index_code,
        last_known.basis_date,
        last_known.security_code,
        trading_day.trade_date,
        last_known.growth,
    from last_known
    inner join trading_day
        on
            last_known.basis_date = trading_day.basis_date
            and last_known.last_date < trading_day.trade_date
),

every_growth as (
    select
        index_code,
        basis_date,
        trade_date,
        growth,
    from grown
    union all
    select
        index_code,
        basis_date,
        trade_date,
        growth,
    from carried
)

select
    index_code,
    trade_date,
    basis_date,
    count(*) as basis_count,
    {{ exact_mean("growth", 18) }} as growth,
from every_growth
group by index_code, trade_date, basis_date
