select
    s.name_cn,
    s.name_en,
    p.first_date,
    p.last_date,
    p.annualised_return,
    p.annualised_benchmark_return,
    p.annualised_excess,
    p.volatility,
    p.sharpe,
    p.excess_sharpe,
    p.max_drawdown,
    p.max_drawdown_of_excess,
    p.calmar,
    p.win_rate,
    p.annual_turnover,
from rotation.fct_rotation_performance as p
inner join core.dim_strategy as s on p.strategy_code = s.strategy_code
where
    p.period = 'all'
    and regexp_matches(s.strategy_code, $strategies)
order by p.strategy_code
