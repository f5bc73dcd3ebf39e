-- question: How do all strategies compare over a period?
-- parameter: period (text) = 'all': all, year_to_date, month_to_date, week, or a year.
-- known: period: select distinct k.period from rotation.fct_rotation_performance as k
-- column: strategy_code (text): Strategy.
-- column: name_cn (text): Its Chinese name.
-- column: execution (text): When its signals are traded.
-- column: is_paper (boolean): Traded at the signal's own close, which nobody can.
-- column: total_return (number): Return of the period, after cost.
-- column: excess_return (number): Less the benchmark's.
-- column: annualised_return (number): A year; NULL for short periods.
-- column: annualised_excess (number): Less the benchmark's.
-- column: sharpe (number): Annualised return over volatility.
-- column: excess_sharpe (number): The same of the excess.
-- column: max_drawdown (number): Deepest fall from a high.
-- column: calmar (number): Annualised return over the deepest fall.
-- column: win_rate (number): Share of weeks above the benchmark.
-- rows: some
select
    p.strategy_code,
    s.name_cn,
    s.execution,
    s.is_paper,
    p.total_return,
    p.excess_return,
    p.annualised_return,
    p.annualised_excess,
    p.sharpe,
    p.excess_sharpe,
    p.max_drawdown,
    p.calmar,
    p.win_rate,
from rotation.fct_rotation_performance as p
inner join core.dim_strategy as s on p.strategy_code = s.strategy_code
where p.period = $period
order by p.excess_return desc nulls last, p.strategy_code asc
