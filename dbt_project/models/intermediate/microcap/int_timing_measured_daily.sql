{{ config(materialized="view") }}

with timing_return as (
    select
        index_code,
        method,
        variant,
        trade_date,
        strategy_return,
        index_return,
        cost,
        turnover,
    from {{ ref("int_timing_return_daily") }}
    where strategy_return is not null
)

select
    index_code,
    method,
    variant,
    trade_date,
    strategy_return,
    index_return as benchmark_return,
    strategy_return - index_return as excess_return,
    cost,
    turnover,
    turnover > 0 as is_rebalance,
from timing_return
union all
-- The index itself, over the days of its timings.
select
    index_code,
    'index' as method,
    variant,
    trade_date,
    index_return as strategy_return,
    index_return as benchmark_return,
    0.0 as excess_return,
    0.0 as cost,
    0.0 as turnover,
    false as is_rebalance,
from timing_return
where method = 'first_threshold'
