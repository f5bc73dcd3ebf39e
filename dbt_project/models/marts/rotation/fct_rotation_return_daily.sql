select
    cast(strategy_code as varchar) as strategy_code,
    cast(trade_date as date) as trade_date,
    cast(signal_date as date) as signal_date,
    cast(strategy_return as double) as strategy_return,
    cast(gross_return as double) as gross_return,
    cast(benchmark_return as double) as benchmark_return,
    cast(strategy_return - benchmark_return as double) as excess_return,
    cast(cost as double) as cost,
    cast(turnover as double) as turnover,
    cast(held_count as integer) as held_count,
    cast(carried_count as integer) as carried_count,
    cast(is_rebalance as boolean) as is_rebalance,
from {{ ref("int_rotation_return_daily") }}
