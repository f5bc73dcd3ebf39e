-- Returns of the CITIC level-1 indices: from the index's closes where they are loaded,
-- else from its members, else from the members of the Shenwan industry of that name.
with industry as (
    select
        subject_code as industry_code,
        stand_in_code,
    from {{ ref("published_subject") }}
    where subject_kind = 'industry'
),

index_bar as (
    select
        split_part(index_code, '.', 1) as industry_code,
        trade_date,
        close,
    from {{ ref("stg_index_bar") }}
),

industry_return as (
    select
        industry_system,
        industry_code,
        trade_date,
        float_cap_return,
    from {{ ref("int_industry_return_daily") }}
    where float_cap_return is not null
),

trading_day as (
    select
        trade_date,
        trade_week,
        is_week_complete,
    from {{ ref("int_trading_day") }}
    where is_loaded
),

own_return as (
    select
        1 as basis_order,
        'index closes' as basis,
        industry.industry_code,
        index_bar.trade_date,
        index_bar.close / lag(index_bar.close) over (
            partition by industry.industry_code
            order by index_bar.trade_date asc
        ) - 1 as daily_return,
    from index_bar
    inner join industry on index_bar.industry_code = industry.industry_code
    union all
    select
        2 as basis_order,
        'members of CITIC level 1' as basis,
        industry_code,
        trade_date,
        float_cap_return as daily_return,
    from industry_return
    where industry_system = 'citic1'
    union all
    select
        3 as basis_order,
        'members of Shenwan level 1 in place of CITIC level 1' as basis,
        industry.industry_code,
        industry_return.trade_date,
        industry_return.float_cap_return as daily_return,
    from industry_return
    inner join industry on industry_return.industry_code = industry.stand_in_code
    where industry_return.industry_system = 'shenwan1'
),

chosen as (
    select
        own_return.basis,
        own_return.industry_code,
        own_return.trade_date,
        trading_day.trade_week,
        own_return.daily_return,
    from own_return
    inner join trading_day on own_return.trade_date = trading_day.trade_date
    where own_return.daily_return is not null and trading_day.is_week_complete
    qualify
        own_return.basis_order
        = min(own_return.basis_order) over (partition by trading_day.trade_week)
),

weekly_return as (
    select
        industry_code,
        trade_week,
        min(basis) as basis,
        exp(sum(cast(ln(1 + daily_return) as decimal(38, 18)))) - 1 as week_return,
    from chosen
    group by industry_code, trade_week
),

dated as (
    select
        industry_code,
        trade_week,
        basis,
        week_return,
        lag(week_return) over (
            partition by industry_code
            order by trade_week asc
        ) as previous_week_return,
    from weekly_return
),

year_to_date as (
    select
        industry_code,
        trade_date,
        trade_week,
        basis,
        exp(
            sum(cast(ln(1 + daily_return) as decimal(38, 18))) over (
                partition by industry_code, year(trade_date)
                order by trade_date asc
                rows between unbounded preceding and current row
            )
        ) - 1 as own_value,
        min(trade_date) over (
            partition by industry_code, year(trade_date)
        ) as first_date,
    from chosen
),

-- The year's first trading day must be there: a later start is no year to date.
year_start as (
    select min(trade_date) as first_date,
    from {{ ref("int_trading_day") }}
    group by year(trade_date)
),

own_value as (
    select
        'weekly_return' as metric,
        industry_code,
        trade_week as as_of_date,
        week_return as own_value,
        basis,
    from dated
    union all
    -- The week before the holiday and the two days after it, 2025-09-29 to 2025-10-10.
    select
        'period_return_0929_1010' as metric,
        industry_code,
        trade_week as as_of_date,
        (1 + previous_week_return) * (1 + week_return) - 1 as own_value,
        basis,
    from dated
    where trade_week = date '2025-10-10'
    union all
    select
        'ytd_return' as metric,
        year_to_date.industry_code,
        year_to_date.trade_week as as_of_date,
        year_to_date.own_value,
        year_to_date.basis,
    from year_to_date
    inner join year_start on year_to_date.first_date = year_start.first_date
    where year_to_date.trade_date = year_to_date.trade_week
)

select
    'citic_l1_index' as system,
    metric,
    industry_code as subject_code,
    as_of_date,
    own_value,
    cast(null as boolean) as is_signal,
    basis,
from own_value
where own_value is not null
