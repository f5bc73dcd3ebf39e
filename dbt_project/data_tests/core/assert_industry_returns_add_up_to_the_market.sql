{{ config(meta={"dagster": {"ref": {"name": "fct_industry_return_daily"}}}) }}

-- Industry returns weighted by their caps are the return of their members together,
-- which is computed here from the stocks. A row is a day of a system on which they
-- differ.
with industry_return as (
    select
        industry_system,
        trade_date,
        sum(previous_float_cap_cny) as cap_cny,
        sum(previous_float_cap_cny * float_cap_return) as gain_cny,
    from {{ ref("fct_industry_return_daily") }}
    where {{ in_build_window("trade_date") }}
    group by industry_system, trade_date
),

stock_return as (
    select
        member.industry_system,
        security_day.trade_date,
        sum(security_day.previous_float_cap_cny) as cap_cny,
        sum(
            security_day.previous_float_cap_cny * security_day.daily_return
        ) as gain_cny,
    from {{ ref("int_security_day") }} as security_day
    inner join {{ ref("dim_industry_member") }} as member
        on
            security_day.security_code = member.security_code
            and security_day.trade_date >= member.valid_from
            and security_day.trade_date
            < coalesce(member.valid_to, date '9999-12-31')
    where
        security_day.daily_return is not null
        and {{ in_build_window("security_day.trade_date") }}
    group by member.industry_system, security_day.trade_date
)

select
    industry_return.industry_system,
    industry_return.trade_date,
    industry_return.gain_cny / industry_return.cap_cny as from_industries,
    stock_return.gain_cny / stock_return.cap_cny as from_stocks,
from industry_return
inner join stock_return
    on
        industry_return.industry_system = stock_return.industry_system
        and industry_return.trade_date = stock_return.trade_date
where
    abs(industry_return.cap_cny / stock_return.cap_cny - 1) > 1e-9
    or abs(industry_return.gain_cny - stock_return.gain_cny)
    > 1e-9 * stock_return.cap_cny
