select
    o.method,
    o.is_full,
    o.price_ratio,
    o.days_to_signal,
    o.action,
    o.null_reason,
from microcap.fct_signal_outlook as o
where
    o.index_code = 'microcap400'
    and o.trade_date = $week
    and o.price_ratio in (0.90, 0.95, 1.00, 1.05, 1.10)
order by o.method asc, o.price_ratio desc
