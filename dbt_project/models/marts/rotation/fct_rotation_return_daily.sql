with leg as (
    select
        strategy_code,
        signal_date,
        trade_date,
        is_entry,
        leg_growth,
        held_count,
        carried_count,
    from {{ ref("int_rotation_leg_daily") }}
),

rebalance as (
    select
        strategy_code,
        signal_date,
        previous_signal_date,
        execution_date,
        asset_type,
        asset_pool,
        execution,
        two_way_cost,
        benchmark,
    from {{ ref("int_rotation_rebalance") }}
    where execution_date is not null
),

trade as (
    select
        strategy_code,
        execution_date,
        {{ exact_sum("abs(target_weight - drifted_weight)", 18) }} as turnover
    from {{ ref("int_rotation_trade") }}
    group by strategy_code, execution_date
),

benchmark as (
    select
        benchmark,
        asset_type,
        asset_pool,
        trade_date,
        close_return,
        intraday_return,
    from {{ ref("int_benchmark_return_daily") }}
),

-- A rebalance day has two legs: the portfolio that ends, then the one that begins.
day_legs as (
    select
        strategy_code,
        trade_date,
        max(signal_date) as signal_date,
        coalesce(max(leg_growth) filter (where not is_entry), 1) as ending_growth,
        coalesce(max(leg_growth) filter (where is_entry), 1) as beginning_growth,
        max_by(held_count, signal_date) as held_count,
        max_by(carried_count, signal_date) as carried_count,
    from leg
    group by strategy_code, trade_date
),

-- On its first day the strategy is invested from the execution on, and its benchmark
-- is measured from the same moment.
measured as (
    select
        day_legs.strategy_code,
        day_legs.trade_date,
        day_legs.signal_date,
        day_legs.ending_growth,
        day_legs.beginning_growth,
        coalesce(trade.turnover, 0) as turnover,
        coalesce(trade.turnover, 0) * rebalance.two_way_cost / 2 as cost,
        case
            when
                rebalance.execution_date < day_legs.trade_date
                or rebalance.previous_signal_date is not null
                then benchmark.close_return
            when rebalance.execution = 'next_open' then benchmark.intraday_return
            else 0
        end as benchmark_return,
        rebalance.execution_date = day_legs.trade_date as is_rebalance,
        day_legs.held_count,
        day_legs.carried_count,
    from day_legs
    inner join
        rebalance
        on
            day_legs.strategy_code = rebalance.strategy_code
            and day_legs.signal_date = rebalance.signal_date
    inner join
        benchmark
        on
            rebalance.benchmark = benchmark.benchmark
            and rebalance.asset_type = benchmark.asset_type
            and rebalance.asset_pool = benchmark.asset_pool
            and day_legs.trade_date = benchmark.trade_date
    left join
        trade
        on
            day_legs.strategy_code = trade.strategy_code
            and day_legs.trade_date = trade.execution_date
),

netted as (
    select
        strategy_code,
        trade_date,
        signal_date,
        ending_growth * (1 - cost) * beginning_growth - 1 as strategy_return,
        ending_growth * beginning_growth - 1 as gross_return,
        benchmark_return,
        cost,
        turnover,
        is_rebalance,
        held_count,
        carried_count,
    from measured
)

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
from netted
