-- question: What went in and out of a strategy at each signal?
-- parameter: strategy (text) = default_strategy(): Code of the strategy.
-- parameter: since (date) = date '1990-01-01': First signal asked for.
-- known: strategy: select s.strategy_code from core.dim_strategy as s
-- column: signal_date (date): Day whose close gave the signal.
-- column: execution_date (date): Day on which it is traded.
-- column: held_count (integer): Assets held after it.
-- column: came_in (text): Codes that came in.
-- column: went_out (text): Codes that went out.
-- rows: some
select
    h.signal_date,
    max(h.execution_date) as execution_date,
    count(*) filter (h.action != 'out') as held_count,
    string_agg(h.asset_code, ', ' order by h.asset_code) filter (
        h.action = 'in'
    ) as came_in,
    string_agg(h.asset_code, ', ' order by h.asset_code) filter (
        h.action = 'out'
    ) as went_out,
from rotation.fct_rotation_holding as h
where
    h.strategy_code = $strategy
    and h.signal_date >= $since
group by h.signal_date
order by h.signal_date desc
