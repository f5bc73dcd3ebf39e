with selection as (
    select
        strategy_code,
        signal_date,
    from {{ ref("int_strategy_selection") }}
    group by strategy_code, signal_date
),

strategy as (
    select
        strategy_code,
        asset_type,
        asset_pool,
        execution,
        two_way_cost,
        benchmark,
    from {{ ref("strategy") }}
),

trading_day as (
    select
        trade_date,
        next_trade_date,
        is_loaded,
    from {{ ref("int_trading_day") }}
),

loaded_day as (
    select trade_date,
    from trading_day
    where is_loaded
),

executed as (
    select
        selection.strategy_code,
        selection.signal_date,
        strategy.asset_type,
        strategy.asset_pool,
        strategy.execution,
        strategy.two_way_cost,
        strategy.benchmark,
        case
            when strategy.execution = 'signal_close' then selection.signal_date
            else loaded_day.trade_date
        end as execution_date,
    from selection
    inner join strategy on selection.strategy_code = strategy.strategy_code
    inner join trading_day on selection.signal_date = trading_day.trade_date
    left join loaded_day on trading_day.next_trade_date = loaded_day.trade_date
)

select
    strategy_code,
    signal_date,
    lag(signal_date) over (
        partition by strategy_code
        order by signal_date asc
    ) as previous_signal_date,
    execution_date,
    lead(execution_date) over (
        partition by strategy_code
        order by signal_date asc
    ) as next_execution_date,
    asset_type,
    asset_pool,
    execution,
    two_way_cost,
    benchmark,
from executed
