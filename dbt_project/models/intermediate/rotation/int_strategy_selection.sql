-- With a buffer, what was held stays while its rank is within buffer_rank, and the best
-- of the rest fill the seats: each list depends on the one before, so the lists are
-- walked in order. Without one, the list is the first seat_count of the date.
with recursive strategy as (
    select
        strategy_code,
        buffer_rank,
    from {{ ref("strategy") }}
),

ranking as (
    select
        strategy_code,
        signal_date,
        signal_number,
        asset_code,
        asset_rank,
        seat_count,
    from {{ ref("int_strategy_rank") }}
),

buffered_strategy as (
    select
        strategy_code,
        buffer_rank,
    from strategy
    where buffer_rank is not null
),

signal_date as (
    select
        ranking.strategy_code,
        ranking.signal_date,
        ranking.signal_number,
        ranking.seat_count,
    from ranking
    inner join
        buffered_strategy
        on ranking.strategy_code = buffered_strategy.strategy_code
    group by
        ranking.strategy_code,
        ranking.signal_date,
        ranking.signal_number,
        ranking.seat_count
),

asset as (
    select
        ranking.strategy_code,
        ranking.asset_code,
    from ranking
    inner join
        buffered_strategy
        on ranking.strategy_code = buffered_strategy.strategy_code
    group by ranking.strategy_code, ranking.asset_code
),

-- Every asset on every date, so that one join carries the state of all of them on.
candidate as (
    select
        signal_date.strategy_code,
        signal_date.signal_date,
        signal_date.signal_number,
        asset.asset_code,
        ranking.asset_rank,
        signal_date.seat_count,
        buffered_strategy.buffer_rank,
    from signal_date
    inner join asset on signal_date.strategy_code = asset.strategy_code
    inner join
        buffered_strategy
        on signal_date.strategy_code = buffered_strategy.strategy_code
    left join
        ranking
        on
            signal_date.strategy_code = ranking.strategy_code
            and signal_date.signal_number = ranking.signal_number
            and asset.asset_code = ranking.asset_code
),

walk as (
    select
        strategy_code,
        signal_date,
        signal_number,
        asset_code,
        coalesce(asset_rank <= seat_count, false) as is_held,
    from candidate
    where signal_number = 1
    union all
    select
        candidate.strategy_code,
        candidate.signal_date,
        candidate.signal_number,
        candidate.asset_code,
        candidate.asset_rank is not null
        and row_number() over (
            partition by candidate.strategy_code
            order by
                coalesce(
                    walk.is_held and candidate.asset_rank <= candidate.buffer_rank,
                    false
                ) desc,
                candidate.asset_rank asc nulls last,
                candidate.asset_code asc
        ) <= candidate.seat_count as is_held,
    from walk
    inner join
        candidate
        on
            walk.strategy_code = candidate.strategy_code
            and walk.signal_number + 1 = candidate.signal_number
            and walk.asset_code = candidate.asset_code
),

selected as (
    select
        ranking.strategy_code,
        ranking.signal_date,
        ranking.asset_code,
    from ranking
    inner join strategy on ranking.strategy_code = strategy.strategy_code
    where
        strategy.buffer_rank is null
        and ranking.asset_rank <= ranking.seat_count
    union all
    select
        strategy_code,
        signal_date,
        asset_code,
    from walk
    where is_held
)

select
    strategy_code,
    signal_date,
    asset_code,
    1 / count(*) over (partition by strategy_code, signal_date) as target_weight,
from selected
union all
-- A solver has weighed these: what it made is what is held.
select
    portfolio.strategy_code,
    portfolio.signal_date,
    portfolio.security_code as asset_code,
    portfolio.target_weight,
from {{ ref("stg_portfolio_weight") }} as portfolio
semi join {{ ref("int_strategy") }} as benchmarked
    on portfolio.strategy_code = benchmarked.strategy_code
