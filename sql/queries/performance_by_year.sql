-- question: What did a strategy return in each year, before and after its benchmark?
-- parameter: strategy (text) = default_strategy(): Code of the strategy.
-- known: strategy: select s.strategy_code from core.dim_strategy as s
-- column: calendar_year (text): Calendar year.
-- column: total_return (number): Return of the year, after cost.
-- column: benchmark_return (number): The benchmark's.
-- column: excess_return (number): Difference of the two.
-- column: max_drawdown (number): Deepest fall from a high within the year.
-- column: max_drawdown_of_excess (number): The same of the compounded excess.
-- column: volatility (number): Annualised.
-- column: sharpe (number): Annualised return over volatility.
-- column: annual_turnover (number): Two-way turnover, scaled to a year.
-- column: day_count (integer): Trading days in the year.
-- rows: some
select
    p.period as calendar_year,
    p.total_return,
    p.benchmark_return,
    p.excess_return,
    p.max_drawdown,
    p.max_drawdown_of_excess,
    p.volatility,
    p.sharpe,
    p.annual_turnover,
    p.day_count,
from rotation.fct_rotation_performance as p
where
    p.strategy_code = $strategy
    and regexp_full_match(p.period, '[0-9]{4}')
order by p.period
