with ic as (
    select
        factor_code,
        trade_week,
        factor_week,
        rank_ic,
        tradable_rank_ic,
        stock_count,
        unfillable_share,
        reason,
    from {{ ref("fct_factor_ic_weekly") }}
    where universe = 'microcap'
),

lagged as (
    select
        factor_code,
        trade_week,
        rank_ic,
        {{ newey_west_lag_columns("rank_ic", "by_week") }}
    from ic
    where rank_ic is not null
    window
        by_week as (
            partition by factor_code
            order by trade_week
        )
),

summed_to_date as (
    select
        factor_code,
        trade_week,
        rank_ic,
        {{ newey_west_sum_columns("rank_ic", "so_far") }}
    from lagged
    window
        so_far as (
            partition by factor_code
            order by trade_week
            rows between unbounded preceding and current row
        )
),

measured_to_date as (
    select
        factor_code,
        trade_week,
        {{ series_mean() }} as historical_mean_ic,
        {{ series_mean_over_stddev() }} as icir,
        {{ series_newey_west_t() }} as t_value,
        value_count as week_count,
        rank() over (
            partition by trade_week
            order by rank_ic desc
        ) as ic_rank,
    from summed_to_date
)

select
    cast(ic.factor_code as varchar) as factor_code,
    cast(ic.trade_week as date) as trade_week,
    cast(ic.factor_week as date) as factor_week,
    cast(ic.rank_ic as double) as rank_ic,
    cast(ic.tradable_rank_ic as double) as tradable_rank_ic,
    cast(to_date.historical_mean_ic as double) as historical_mean_ic,
    cast(to_date.icir as double) as icir,
    cast(to_date.t_value as double) as t_value,
    cast(to_date.week_count as bigint) as week_count,
    cast(to_date.ic_rank as bigint) as ic_rank,
    cast(ic.stock_count as bigint) as member_count,
    cast(ic.unfillable_share as double) as unfillable_share,
    cast(ic.reason as varchar) as reason,
from ic
left join measured_to_date as to_date
    on
        ic.factor_code = to_date.factor_code
        and ic.trade_week = to_date.trade_week
