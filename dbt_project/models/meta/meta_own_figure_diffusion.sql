-- The published system runs on CITIC level 1. Where only Shenwan level 1 is loaded, its
-- industries stand in by name, as in the calibration of the diffusion index; the date's
-- figures then all come from it, and basis says so.
with whole_period as (
    {{ whole_period_return_weekly() }}
),

whole_year as (
    {{ whole_year_performance() }}
),

metric as (
    select metric,
    from {{ ref("published_metric") }}
    where system = 'diffusion_index_rotation'
),

industry as (
    select
        subject_code as industry_code,
        stand_in_code,
    from {{ ref("published_subject") }}
    where subject_kind = 'industry'
),

index_weekly as (
    select
        industry_system,
        industry_code,
        trade_week,
        diffusion_index,
        change,
    from {{ ref("fct_diffusion_index_weekly") }}
    where variant = 'default' and diffusion_index is not null
),

return_weekly as (
    select
        strategy_code,
        trade_week,
        strategy_return,
        excess_return,
        month_to_date_return,
        month_to_date_excess_return,
        year_to_date_excess_return,
    from whole_period
    where
        strategy_code in ('diffusion_monthly_paper', 'diffusion_monthly_paper_shenwan1')
),

performance as (
    select
        strategy_code,
        calendar_year,
        excess_return,
    from whole_year
    where
        strategy_code in ('diffusion_monthly_paper', 'diffusion_monthly_paper_shenwan1')
),

industry_value as (
    select
        index_weekly.industry_code as subject_code,
        index_weekly.trade_week as as_of_date,
        index_weekly.diffusion_index,
        index_weekly.change,
        'CITIC level 1' as basis,
    from index_weekly
    where index_weekly.industry_system = 'citic1'
    union all
    select
        industry.industry_code as subject_code,
        index_weekly.trade_week as as_of_date,
        index_weekly.diffusion_index,
        index_weekly.change,
        'Shenwan level 1 in place of CITIC level 1' as basis,
    from index_weekly
    inner join industry on index_weekly.industry_code = industry.stand_in_code
    where index_weekly.industry_system = 'shenwan1'
),

strategy_value as (
    select
        *,
        case strategy_code
            when 'diffusion_monthly_paper' then 'CITIC level 1'
            else 'Shenwan level 1 in place of CITIC level 1'
        end as basis,
    from return_weekly
),

own_value as (
    select
        'diffusion_index_value' as metric,
        subject_code,
        as_of_date,
        diffusion_index as own_value,
        basis,
    from industry_value
    union all
    select
        'diffusion_index_weekly_change' as metric,
        subject_code,
        as_of_date,
        change as own_value,
        basis,
    from industry_value
    union all
    select
        metric.metric,
        'strategy' as subject_code,
        strategy_value.trade_week as as_of_date,
        case metric.metric
            when 'weekly_return' then strategy_value.strategy_return
            when 'average_return_reported' then strategy_value.strategy_return
            when
                'average_return_reported_as_monthly'
                then strategy_value.strategy_return
            when 'weekly_excess_return' then strategy_value.excess_return
            when 'month_to_date_return' then strategy_value.month_to_date_return
            when 'month_to_date_excess_return'
                then strategy_value.month_to_date_excess_return
            when 'ytd_excess_return' then strategy_value.year_to_date_excess_return
        end as own_value,
        strategy_value.basis,
    from strategy_value
    cross join metric
    union all
    select
        metric.metric,
        'strategy' as subject_code,
        make_date(performance.calendar_year, 12, 31) as as_of_date,
        performance.excess_return as own_value,
        case performance.strategy_code
            when 'diffusion_monthly_paper' then 'CITIC level 1'
            else 'Shenwan level 1 in place of CITIC level 1'
        end as basis,
    from performance
    -- Only the years that were published: real data reach further back.
    inner join
        metric
        on 'annual_excess_return_' || performance.calendar_year = metric.metric
)

select
    'diffusion_index_rotation' as system,
    metric,
    subject_code,
    as_of_date,
    own_value,
    cast(null as boolean) as is_signal,
    basis,
from own_value
where own_value is not null
-- CITIC sorts before Shenwan: one basis a date, the published one where it is loaded.
qualify basis = min(basis) over (partition by metric, as_of_date)
