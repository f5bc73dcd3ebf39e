{{
    config(
        materialized="incremental",
        incremental_strategy="rewrite_window",
        on_schema_change="fail",
    )
}}

with security_day as (
    select
        trade_date,
        security_code,
        daily_return,
        overnight_return,
        previous_float_cap_cny,
        previous_float_source,
    from {{ ref("int_security_day") }}
    where
        trade_date <= (
            select max(trading_day.trade_date),
            from {{ ref("int_trading_day") }} as trading_day
            where trading_day.is_loaded
        )
        and daily_return is not null
        and {{ in_build_window("trade_date") }}
),

industry_member as (
    {{ open_ended_industry_member() }}
),

-- Weights stand at the close before: the day's own cap would know the day's return.
summed_by_industry as (
    select
        industry_member.industry_system,
        industry_member.industry_code,
        security_day.trade_date,
        count(*) as member_count,
        count(security_day.previous_float_cap_cny) as weighted_count,
        count(*) filter (
            where security_day.previous_float_source = 'total'
        ) as total_weighted_count,
        {{ exact_mean("security_day.daily_return", 14) }} as equal_weight_return,
        {{ exact_sum("security_day.previous_float_cap_cny", 4) }} as float_cap_cny,
        {{
            exact_sum(
                "security_day.previous_float_cap_cny * security_day.daily_return", 4
            )
        }} as gain_cny,
        {{
            exact_sum(
                "security_day.previous_float_cap_cny * security_day.overnight_return",
                4,
            )
        }} as overnight_gain_cny,
    from security_day
    inner join industry_member
        on
            security_day.security_code = industry_member.security_code
            and security_day.trade_date >= industry_member.valid_from
            and security_day.trade_date < industry_member.valid_to
    group by
        industry_member.industry_system,
        industry_member.industry_code,
        security_day.trade_date
)

select
    industry_system,
    industry_code,
    trade_date,
    equal_weight_return,
    cast(
        {{ safe_divide("gain_cny", "float_cap_cny") }} as double
    ) as float_cap_return,
    cast(
        {{ safe_divide("overnight_gain_cny", "float_cap_cny") }} as double
    ) as overnight_return,
    -- Bought at the open in proportion to the caps of that moment: what is left of the
    -- day's return.
    cast(
        {{
            safe_divide(
                "(float_cap_cny + gain_cny)", "(float_cap_cny + overnight_gain_cny)"
            )
        }} - 1 as double
    ) as intraday_return,
    member_count,
    weighted_count,
    cast(float_cap_cny as double) as previous_float_cap_cny,
    cast(
        {{ weight_source("total_weighted_count", "weighted_count") }} as varchar
    ) as weight_source,
from summed_by_industry
