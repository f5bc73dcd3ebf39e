{{ config(materialized="view") }}

with week as (
    select trade_week,
    from {{ ref("int_trading_day") }}
    where
        is_week_end
        and is_week_complete
        and {{ in_build_window("trade_week") }}
),

action as (
    select
        security_code,
        ex_date,
        cash_dividend_cny,
    from {{ ref("stg_corporate_action") }}
),

-- All that was paid, not cash for a share: later bonus shares change the latter only.
paid as (
    select
        action.security_code,
        action.ex_date,
        action.cash_dividend_cny * price_day.previous_total_shares as dividend_cny,
    from action
    inner join {{ ref("int_security_price_day") }} as price_day
        on
            action.security_code = price_day.security_code
            and action.ex_date = price_day.trade_date
    where action.cash_dividend_cny > 0
),

loaded_from as (
    select min(ex_date) as first_ex_date,
    from action
),

-- Whether a stock has paid nothing or its dividends are not loaded, no row can tell: a
-- year after the first row of the table they are.
loaded_week as (
    select week.trade_week,
    from week
    inner join loaded_from
        on week.trade_week >= loaded_from.first_ex_date + interval 1 year
),

paid_in_a_year as (
    select
        week.trade_week,
        paid.security_code,
        case
            when count(paid.dividend_cny) = count(*)
                then {{ exact_sum("paid.dividend_cny", 4) }}
        end as dividend_cny,
        count(*) as dividend_count,
    from loaded_week as week
    inner join paid
        on
            week.trade_week >= paid.ex_date
            and week.trade_week < paid.ex_date + interval 1 year
    group by week.trade_week, paid.security_code
)

select
    universe.trade_week,
    universe.security_code,
    case
        when paid_in_a_year.dividend_count is null then 0
        else paid_in_a_year.dividend_cny
    end as dividend_cny,
from {{ ref("int_factor_universe_weekly") }} as universe
inner join loaded_week on universe.trade_week = loaded_week.trade_week
left join paid_in_a_year
    on
        universe.trade_week = paid_in_a_year.trade_week
        and universe.security_code = paid_in_a_year.security_code
