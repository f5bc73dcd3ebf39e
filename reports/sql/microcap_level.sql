select
    i.trade_date,
    i.index_level,
    i.tradable_level,
    i.monthly_rebalanced_level,
from microcap.fct_microcap_index_daily as i
where
    i.index_code = 'microcap400'
    and i.trade_date <= $week
    and i.index_level is not null
order by i.trade_date
