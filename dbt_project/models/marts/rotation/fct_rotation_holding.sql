with rebalance as (
    select
        strategy_code,
        signal_date,
        previous_signal_date,
        execution_date,
        execution,
        asset_type,
        asset_pool,
    from {{ ref("int_rotation_rebalance") }}
),

selection as (
    select
        strategy_code,
        signal_date,
        asset_code,
        target_weight,
    from {{ ref("int_strategy_selection") }}
),

ranking as (
    select
        strategy_code,
        signal_date,
        asset_code,
        score,
        asset_rank,
    from {{ ref("int_strategy_rank") }}
),

unfillable as (
    select
        asset_type,
        asset_pool,
        asset_code,
        trade_date,
        unbuyable_open_share,
        unsellable_open_share,
        unbuyable_close_share,
        unsellable_close_share,
    from {{ ref("int_asset_unfillable") }}
),

-- An index is traded at the close of the day where no open of it is known.
index_open as (
    select
        asset_pool,
        asset_code,
        trade_date,
    from {{ ref("int_asset_return_daily") }}
    where
        asset_type = 'index'
        and has_open
),

fill as (
    select
        strategy_code,
        signal_date,
        asset_code,
        is_listed,
        filled_weight,
        unbuyable_share,
        unsellable_share,
        exit_date,
    from {{ ref("int_rotation_fill") }}
),

previous_selection as (
    select
        rebalance.strategy_code,
        rebalance.signal_date,
        selection.asset_code,
    from rebalance
    inner join
        selection
        on
            rebalance.strategy_code = selection.strategy_code
            and rebalance.previous_signal_date = selection.signal_date
),

-- What was dropped before and has not been sold by the evening of the signal is still
-- to be sold. It is told from the fill before: the signal's own is not known then.
carried as (
    select
        rebalance.strategy_code,
        rebalance.signal_date,
        fill.asset_code,
    from rebalance
    inner join
        fill
        on
            rebalance.strategy_code = fill.strategy_code
            and rebalance.previous_signal_date = fill.signal_date
    where
        not fill.is_listed
        and coalesce(fill.exit_date > rebalance.signal_date, true)
),

former as (
    select
        strategy_code,
        signal_date,
        asset_code,
    from previous_selection
    union all
    select
        strategy_code,
        signal_date,
        asset_code,
    from carried
),

-- Sold assets are rows too, with weight 0.
compared as (
    select
        coalesce(selection.strategy_code, former.strategy_code) as strategy_code,
        coalesce(selection.signal_date, former.signal_date) as signal_date,
        coalesce(selection.asset_code, former.asset_code) as asset_code,
        coalesce(selection.target_weight, 0) as weight,
        case
            when selection.asset_code is null then 'out'
            when former.asset_code is null then 'in'
            else 'hold'
        end as action,
    from selection
    full outer join
        former
        on
            selection.strategy_code = former.strategy_code
            and selection.signal_date = former.signal_date
            and selection.asset_code = former.asset_code
)

select
    cast(compared.strategy_code as varchar) as strategy_code,
    cast(compared.signal_date as date) as signal_date,
    cast(compared.asset_code as varchar) as asset_code,
    cast(rebalance.execution_date as date) as execution_date,
    cast(
        case
            when rebalance.execution_date is null then null
            when rebalance.execution <> 'next_open' then 'close'
            when rebalance.asset_type <> 'index' then 'open'
            when index_open.asset_code is not null then 'open'
            else 'close'
        end as varchar
    ) as traded_at,
    cast(compared.action as varchar) as action,
    cast(compared.weight as double) as weight,
    cast(ranking.score as double) as score,
    cast(ranking.asset_rank as integer) as rank,
    cast(
        case
            when compared.action = 'in' and fill.unbuyable_share is not null
                then fill.unbuyable_share
            when compared.action = 'out' and fill.unsellable_share is not null
                then fill.unsellable_share
            -- All of a stock that is dropped was sold, or it would be carried.
            when
                compared.action = 'out'
                and rebalance.asset_type = 'stock'
                and rebalance.execution_date is not null
                then 0
            when compared.action = 'in' and rebalance.execution = 'next_open'
                then unfillable.unbuyable_open_share
            when compared.action = 'out' and rebalance.execution = 'next_open'
                then unfillable.unsellable_open_share
            when compared.action = 'in' then unfillable.unbuyable_close_share
            when compared.action = 'out' then unfillable.unsellable_close_share
        end as double
    ) as unfillable_share,
    cast(
        case
            when rebalance.execution_date is not null
                then coalesce(fill.filled_weight, 0)
        end as double
    ) as filled_weight,
    cast(fill.exit_date as date) as late_sale_date,
from compared
inner join
    rebalance
    on
        compared.strategy_code = rebalance.strategy_code
        and compared.signal_date = rebalance.signal_date
left join
    ranking
    on
        compared.strategy_code = ranking.strategy_code
        and compared.signal_date = ranking.signal_date
        and compared.asset_code = ranking.asset_code
left join
    unfillable
    on
        rebalance.asset_type = unfillable.asset_type
        and rebalance.asset_pool = unfillable.asset_pool
        and compared.asset_code = unfillable.asset_code
        and rebalance.execution_date = unfillable.trade_date
left join
    index_open
    on
        rebalance.asset_pool = index_open.asset_pool
        and compared.asset_code = index_open.asset_code
        and rebalance.execution_date = index_open.trade_date
left join
    fill
    on
        compared.strategy_code = fill.strategy_code
        and compared.signal_date = fill.signal_date
        and compared.asset_code = fill.asset_code
