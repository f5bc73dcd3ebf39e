with last_week as (
    select max(trade_week) as last_week,
    from {{ ref("int_trading_day") }}
    where is_week_complete
),

-- A week belongs to the month and the year of its last day.
by_period as (
    select
        ic.universe,
        ic.factor_code,
        ic.trade_week,
        ic.rank_ic,
        ic.tradable_rank_ic,
        unnest([
            'all',
            cast(year(ic.trade_week) as varchar),
            case
                when year(ic.trade_week) = year(last_week.last_week) then 'year_to_date'
            end,
            case
                when
                    date_trunc('month', ic.trade_week)
                    = date_trunc('month', last_week.last_week)
                    then 'month_to_date'
            end,
            case when ic.trade_week = last_week.last_week then 'week' end,
        ]) as period,
    from {{ ref("fct_factor_ic_weekly") }} as ic
    cross join last_week
),

grouped as (
    select
        universe,
        factor_code,
        period,
        min(trade_week) as first_week,
        max(trade_week) as last_week,
    from by_period
    where period is not null
    group by universe, factor_code, period
),

series as (
    {% for measure in ["rank_ic", "tradable_rank_ic"] -%}
    select
        universe,
        factor_code,
        period,
        trade_week,
        '{{ measure }}' as measure,
        {{ measure }} as value,
    from by_period
    where
        period is not null
        and {{ measure }} is not null
    {% if not loop.last -%}
    union all
    {% endif -%}
    {% endfor -%}
),

lagged as (
    select
        universe,
        factor_code,
        period,
        measure,
        value,
        {{ newey_west_lag_columns("value", "by_week") }}
    from series
    window
        by_week as (
            partition by universe, factor_code, period, measure
            order by trade_week
        )
),

summed as (
    select
        universe,
        factor_code,
        period,
        measure,
        count(*) filter (where value > 0) as positive_count,
        {{ newey_west_sum_columns("value") }}
    from lagged
    group by universe, factor_code, period, measure
),

measured as (
    select
        universe,
        factor_code,
        period,
        measure,
        value_count as week_count,
        {{ series_mean() }} as mean,
        {{ series_stddev() }} as std,
        {{ series_mean_over_stddev() }} as icir,
        {{ series_newey_west_t() }} as t_value,
        positive_count / value_count as positive_share,
    from summed
)

select
    cast(grouped.universe as varchar) as universe,
    cast(grouped.factor_code as varchar) as factor_code,
    cast(grouped.period as varchar) as period,
    cast(grouped.first_week as date) as first_week,
    cast(grouped.last_week as date) as last_week,
    cast(paper.mean as double) as mean,
    cast(paper.std as double) as std,
    cast(paper.icir as double) as icir,
    cast(paper.t_value as double) as t_value,
    cast(paper.positive_share as double) as positive_share,
    cast(coalesce(paper.week_count, 0) as bigint) as week_count,
    cast(tradable.mean as double) as tradable_mean,
    cast(tradable.std as double) as tradable_std,
    cast(tradable.icir as double) as tradable_icir,
    cast(tradable.t_value as double) as tradable_t_value,
    cast(tradable.positive_share as double) as tradable_positive_share,
    cast(coalesce(tradable.week_count, 0) as bigint) as tradable_week_count,
from grouped
left join measured as paper
    on
        grouped.universe = paper.universe
        and grouped.factor_code = paper.factor_code
        and grouped.period = paper.period
        and paper.measure = 'rank_ic'
left join measured as tradable
    on
        grouped.universe = tradable.universe
        and grouped.factor_code = tradable.factor_code
        and grouped.period = tradable.period
        and tradable.measure = 'tradable_rank_ic'
