-- question: What do the rotations on model scores hold as of a week, in industries and
--     in indices?
-- parameter: week (date) = latest_week(): Any day of the exchange week asked for.
-- known: week as week_of($week): select w.trade_week from core.dim_trade_week as w
--     where w.is_complete
-- column: strategy_code (text): Strategy.
-- column: signal_date (date): Day whose close gave the signal.
-- column: execution_date (date): Day on which it is traded.
-- column: traded_at (text): At its open or its close.
-- column: action (text): in, hold or out.
-- column: asset_code (text): Industry or index.
-- column: asset_name (text): Its name.
-- column: weight (number): Target weight; 0 for what goes out.
-- column: rank (integer): Rank of its score at the signal.
-- column: score (number): Score at the signal.
-- rows: any
with last_signal as (
    select
        h.strategy_code,
        max(h.signal_date) as signal_date,
    from rotation.fct_rotation_holding as h
    inner join core.dim_strategy as s on h.strategy_code = s.strategy_code
    where
        s.score_source = 'model_score'
        and s.asset_type in ('industry', 'index')
        and h.signal_date <= week_of($week)
    group by h.strategy_code
),

index_name as (
    select
        x.index_code,
        any_value(x.index_name) as index_name,
    from scores.fct_index_score_weekly as x
    group by x.index_code
)

select
    h.strategy_code,
    h.signal_date,
    h.execution_date,
    h.traded_at,
    h.action,
    h.asset_code,
    coalesce(i.name_cn, n.index_name) as asset_name,
    h.weight,
    h.rank,
    h.score,
from rotation.fct_rotation_holding as h
inner join last_signal as l
    on
        h.strategy_code = l.strategy_code
        and h.signal_date = l.signal_date
inner join core.dim_strategy as s on h.strategy_code = s.strategy_code
left join core.dim_industry as i
    on
        s.industry_system = i.industry_system
        and h.asset_code = i.industry_code
left join index_name as n on h.asset_code = n.index_code
order by h.strategy_code, h.weight = 0, h.rank nulls last, h.asset_code
