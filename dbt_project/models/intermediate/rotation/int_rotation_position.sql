-- A position's growth on a day is a difference of two logarithms of its asset's level,
-- so the drift between rebalances needs no walk through the days.
with rebalance as (
    select
        strategy_code,
        signal_date,
        execution_date,
        next_execution_date,
        asset_type,
        asset_pool,
        execution,
    from {{ ref("int_rotation_rebalance") }}
    where execution_date is not null
),

selection as (
    select
        strategy_code,
        signal_date,
        asset_code,
        target_weight,
    from {{ ref("int_strategy_selection") }}
),

asset_level as (
    select
        asset_type,
        asset_pool,
        asset_code,
        trade_date,
        log_close,
        log_open,
        is_carried,
    from {{ ref("int_asset_level_daily") }}
),

trading_day as (
    select
        trade_date,
        day_index,
        max(day_index) over () as last_index,
    from {{ ref("int_trading_day") }}
    where is_loaded
),

-- The days of a portfolio: its execution day up to and with the next one's.
holding_range as (
    select
        rebalance.strategy_code,
        rebalance.signal_date,
        unnest(
            range(
                first_day.day_index,
                coalesce(last_day.day_index, first_day.last_index) + 1
            )
        ) as day_index,
    from rebalance
    inner join
        trading_day as first_day
        on rebalance.execution_date = first_day.trade_date
    left join
        trading_day as last_day
        on rebalance.next_execution_date = last_day.trade_date
),

entered as (
    select
        rebalance.strategy_code,
        rebalance.signal_date,
        rebalance.asset_type,
        rebalance.asset_pool,
        rebalance.execution,
        rebalance.execution_date,
        rebalance.next_execution_date,
        selection.asset_code,
        selection.target_weight,
        case rebalance.execution
            when 'next_open' then asset_level.log_open
            else asset_level.log_close
        end as entry_log,
    from rebalance
    inner join
        selection
        on
            rebalance.strategy_code = selection.strategy_code
            and rebalance.signal_date = selection.signal_date
    inner join
        asset_level
        on
            rebalance.asset_type = asset_level.asset_type
            and rebalance.asset_pool = asset_level.asset_pool
            and selection.asset_code = asset_level.asset_code
            and rebalance.execution_date = asset_level.trade_date
)

select
    entered.strategy_code,
    entered.signal_date,
    trading_day.trade_date,
    entered.asset_code,
    trading_day.trade_date = entered.execution_date as is_entry,
    coalesce(trading_day.trade_date = entered.next_execution_date, false) as is_exit,
    -- On the day of exit at the open, the day ends with it.
    entered.target_weight * exp(
        case
            when
                entered.execution = 'next_open'
                and trading_day.trade_date = entered.next_execution_date
                then asset_level.log_open
            else asset_level.log_close
        end
        - entered.entry_log
    ) as position_value,
    asset_level.is_carried,
from entered
inner join
    holding_range
    on
        entered.strategy_code = holding_range.strategy_code
        and entered.signal_date = holding_range.signal_date
inner join trading_day on holding_range.day_index = trading_day.day_index
inner join
    asset_level
    on
        entered.asset_type = asset_level.asset_type
        and entered.asset_pool = asset_level.asset_pool
        and entered.asset_code = asset_level.asset_code
        and trading_day.trade_date = asset_level.trade_date
