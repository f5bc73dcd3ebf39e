select
    s.name_cn,
    s.name_en,
    s.execution,
    r.strategy_return,
    r.benchmark_return,
    r.excess_return,
    r.month_to_date_return,
    r.month_to_date_excess_return,
    r.year_to_date_return,
    r.year_to_date_excess_return,
    r.turnover,
from rotation.fct_rotation_return_weekly as r
inner join core.dim_strategy as s on r.strategy_code = s.strategy_code
where
    r.trade_week = $week
    and regexp_matches(s.strategy_code, $strategies)
order by r.strategy_code
