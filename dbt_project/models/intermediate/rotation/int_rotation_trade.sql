-- What a rebalance has to trade: from the drifted weights of the portfolio that ends to
-- the target weights of the one that begins. The first one starts from cash.
with rebalance as (
    select
        strategy_code,
        signal_date,
        previous_signal_date,
        execution_date,
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

final_position as (
    select
        strategy_code,
        signal_date,
        asset_code,
        position_value,
    from {{ ref("int_rotation_position") }}
    where is_exit
),

final_leg as (
    select
        strategy_code,
        signal_date,
        portfolio_value,
    from {{ ref("int_rotation_leg_daily") }}
    where is_exit
),

target as (
    select
        rebalance.strategy_code,
        rebalance.signal_date,
        rebalance.execution_date,
        selection.asset_code,
        selection.target_weight,
        0 as drifted_weight,
    from rebalance
    inner join
        selection
        on
            rebalance.strategy_code = selection.strategy_code
            and rebalance.signal_date = selection.signal_date
),

drifted as (
    select
        rebalance.strategy_code,
        rebalance.signal_date,
        rebalance.execution_date,
        final_position.asset_code,
        0 as target_weight,
        final_position.position_value / final_leg.portfolio_value as drifted_weight,
    from rebalance
    inner join
        final_position
        on
            rebalance.strategy_code = final_position.strategy_code
            and rebalance.previous_signal_date = final_position.signal_date
    inner join
        final_leg
        on
            rebalance.strategy_code = final_leg.strategy_code
            and rebalance.previous_signal_date = final_leg.signal_date
),

side as (
    select
        strategy_code,
        signal_date,
        execution_date,
        asset_code,
        target_weight,
        drifted_weight,
    from target
    union all
    select
        strategy_code,
        signal_date,
        execution_date,
        asset_code,
        target_weight,
        drifted_weight,
    from drifted
)

-- At most one row of each side, so the largest is the only one that is not zero.
select
    strategy_code,
    signal_date,
    execution_date,
    asset_code,
    max(target_weight) as target_weight,
    max(drifted_weight) as drifted_weight,
from side
group by strategy_code, signal_date, execution_date, asset_code
