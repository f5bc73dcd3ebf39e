-- question: What does a strategy hold as of a week, and what came in and went out at
--     its last signal?
-- parameter: week (date) = latest_week(): Any day of the exchange week asked for.
-- parameter: strategy (text) = default_strategy(): Code of the strategy.
-- known: week as week_of($week): select w.trade_week from
--     rotation.fct_rotation_return_weekly as w
-- known: strategy: select s.strategy_code from core.dim_strategy as s
-- column: strategy_code (text): Strategy.
-- column: signal_date (date): Day whose close gave the signal.
-- column: execution_date (date): Day on which it is traded.
-- column: action (text): in, hold or out.
-- column: asset_code (text): Industry or index.
-- column: name_cn (text): Chinese name, where it is an industry.
-- column: name_en (text): English name, where it is an industry.
-- column: weight (number): Target weight; 0 for what goes out.
-- column: rank (integer): Rank of its score at the signal.
-- column: score (number): Score at the signal.
-- rows: some
with last_signal as (
    select max(h.signal_date) as signal_date,
    from rotation.fct_rotation_holding as h
    where
        h.strategy_code = $strategy
        and h.signal_date <= week_of($week)
)

select
    h.strategy_code,
    h.signal_date,
    h.execution_date,
    h.action,
    h.asset_code,
    i.name_cn,
    i.name_en,
    h.weight,
    h.rank,
    h.score,
from rotation.fct_rotation_holding as h
inner join last_signal as l on h.signal_date = l.signal_date
inner join core.dim_strategy as s on h.strategy_code = s.strategy_code
left join core.dim_industry as i
    on
        s.industry_system = i.industry_system
        and h.asset_code = i.industry_code
where h.strategy_code = $strategy
order by h.weight = 0, h.rank nulls last, h.asset_code
