select
    v.method,
    v.trade_week,
    v.net_value,
    v.deepest_drawdown,
from bi.mart_net_value_weekly as v
where
    v.kind = 'timing'
    and v.index_code = 'microcap400'
    and v.variant = 'tradable'
    and v.trade_week <= $week
order by v.method = 'index' desc, v.method, v.trade_week asc
