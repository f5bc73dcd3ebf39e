select
    s.name_cn,
    s.name_en,
    v.trade_week,
    v.net_value,
    v.deepest_drawdown,
from bi.mart_net_value_weekly as v
inner join core.dim_strategy as s on v.strategy_code = s.strategy_code
where
    v.kind = 'strategy'
    and v.trade_week <= $week
    and regexp_matches(s.strategy_code, $strategies)
order by s.strategy_code, v.trade_week
