with last_week as (
    select max(trade_week) as last_week,
    from {{ ref("fct_model_ic_weekly") }}
),

-- A week belongs to the year of its score.
by_period as (
    select
        ic.model_code,
        ic.trade_week,
        ic.rank_ic,
        unnest([
            'all',
            cast(year(ic.trade_week) as varchar),
            case
                when year(ic.trade_week) = year(last_week.last_week) then 'year_to_date'
            end,
        ]) as period,
    from {{ ref("fct_model_ic_weekly") }} as ic
    cross join last_week
),

lagged as (
    select
        model_code,
        period,
        trade_week,
        rank_ic,
        {{ newey_west_lag_columns("rank_ic", "by_week") }}
    from by_period
    where
        period is not null
        and rank_ic is not null
    window
        by_week as (
            partition by model_code, period
            order by trade_week
        )
),

summed as (
    select
        model_code,
        period,
        min(trade_week) as first_week,
        max(trade_week) as last_week,
        count(*) filter (where rank_ic > 0) as positive_count,
        {{ newey_west_sum_columns("rank_ic") }}
    from lagged
    group by model_code, period
)

select
    cast(model_code as varchar) as model_code,
    cast(period as varchar) as period,
    cast(first_week as date) as first_week,
    cast(last_week as date) as last_week,
    cast({{ series_mean() }} as double) as mean,
    cast({{ series_stddev() }} as double) as std,
    cast({{ series_mean_over_stddev() }} as double) as icir,
    cast({{ series_newey_west_t() }} as double) as t_value,
    cast(positive_count / value_count as double) as positive_share,
    cast(value_count as integer) as week_count,
from summed
