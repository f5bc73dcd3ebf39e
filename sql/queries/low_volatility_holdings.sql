-- question: Which shares does the low-volatility selection of the micro-cap index hold,
--     and which of its orders could not be filled?
-- parameter: week (date) = latest_week(): Any day of the exchange week asked for.
-- parameter: strategy (text) = 'low_volatility_50': Code of a strategy on stocks.
-- known: week as week_of($week): select distinct k.trade_week from
--     rotation.fct_rotation_return_weekly as k
-- known: strategy: select distinct k.strategy_code from
--     rotation.fct_rotation_holding as k
-- known: week as week_of($week): select w.trade_week from
--     rotation.fct_rotation_return_weekly as w
-- known: strategy: select s.strategy_code from core.dim_strategy as s
-- column: signal_date (date): Day whose close gave the list.
-- column: execution_date (date): Day on which it is traded.
-- column: action (text): in, hold or out.
-- column: security_code (text): Share.
-- column: name (text): Its name, as of the load.
-- column: rank (integer): Place on the list.
-- column: score (number): Sum of the two ranks.
-- column: weight (number): Weight on the list; 0 for what goes out.
-- column: filled_weight (number): Weight after the execution.
-- column: unfillable_share (number): 1 where the order could not be filled.
-- column: late_sale_date (date): Day on which it could be sold after all.
-- rows: some
with last_signal as (
    select max(h.signal_date) as signal_date,
    from rotation.fct_rotation_holding as h
    where
        h.strategy_code = $strategy
        and h.signal_date <= week_of($week)
)

select
    h.signal_date,
    h.execution_date,
    h.action,
    h.asset_code as security_code,
    s.name,
    h.rank,
    h.score,
    h.weight,
    h.filled_weight,
    h.unfillable_share,
    h.late_sale_date,
from rotation.fct_rotation_holding as h
inner join last_signal as l on h.signal_date = l.signal_date
left join core.dim_security as s on h.asset_code = s.security_code
where h.strategy_code = $strategy
order by h.weight = 0, h.rank nulls last, h.asset_code
