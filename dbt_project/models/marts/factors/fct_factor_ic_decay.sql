with decay as (
    select
        universe,
        factor_code,
        1 as horizon_weeks,
        trade_week,
        rank_ic,
    from {{ ref("fct_factor_ic_weekly") }}
    union all
    select
        universe,
        factor_code,
        horizon_weeks,
        trade_week,
        rank_ic,
    from {{ ref("int_factor_decay_weekly") }}
),

lagged as (
    select
        universe,
        factor_code,
        horizon_weeks,
        rank_ic,
        {{ newey_west_lag_columns("rank_ic", "by_week") }}
    from decay
    where rank_ic is not null
    window
        by_week as (
            partition by universe, factor_code, horizon_weeks
            order by trade_week
        )
),

summed as (
    select
        universe,
        factor_code,
        horizon_weeks,
        {{ newey_west_sum_columns("rank_ic") }}
    from lagged
    group by universe, factor_code, horizon_weeks
),

followed as (
    select
        universe,
        factor_code,
        horizon_weeks,
    from decay
    group by universe, factor_code, horizon_weeks
)

select
    cast(followed.universe as varchar) as universe,
    cast(followed.factor_code as varchar) as factor_code,
    cast(followed.horizon_weeks as bigint) as horizon_weeks,
    cast({{ series_mean() }} as double) as mean,
    cast({{ series_stddev() }} as double) as std,
    cast({{ series_newey_west_t() }} as double) as t_value,
    cast(coalesce(summed.value_count, 0) as bigint) as week_count,
from followed
left join summed
    on
        followed.universe = summed.universe
        and followed.factor_code = summed.factor_code
        and followed.horizon_weeks = summed.horizon_weeks
