select
    d.trade_date,
    d.diffusion_index,
    d.fast_average,
    d.slow_average,
    max(s.action) filter (where s.method = 'first_threshold')
        as first_threshold,
    max(s.action) filter (where s.method = 'delayed_threshold')
        as delayed_threshold,
    max(s.action) filter (where s.method = 'dual_moving_average')
        as dual_moving_average,
from microcap.fct_microcap_diffusion_daily as d
left join microcap.fct_microcap_signal as s
    on
        d.index_code = s.index_code
        and d.trade_date = s.trade_date
where
    d.index_code = 'microcap400'
    and d.trade_date <= $week
    and d.diffusion_index is not null
group by d.trade_date, d.diffusion_index, d.fast_average, d.slow_average
order by d.trade_date
