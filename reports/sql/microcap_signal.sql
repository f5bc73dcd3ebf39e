select
    s.trade_date,
    s.method,
    s.action,
    s.diffusion_index,
    s.fast_average,
    s.slow_average,
from microcap.fct_microcap_signal as s
where
    s.index_code = 'microcap400'
    and s.trade_date <= $week
-- A method that often fires leaves room for the others.
qualify row_number() over (partition by s.method order by s.trade_date desc) <= 7
order by s.trade_date desc, s.method asc
