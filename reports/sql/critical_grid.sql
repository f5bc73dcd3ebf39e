with outlook as (
    select
        o.price_ratio,
        max(o.days_to_signal) filter (where o.method = 'first_threshold')
            as first_threshold,
        max(o.days_to_signal) filter (where o.method = 'delayed_threshold')
            as delayed_threshold,
        max(o.days_to_signal) filter (where o.method = 'dual_moving_average')
            as dual_moving_average,
    from microcap.fct_signal_outlook as o
    where
        o.index_code = 'microcap400'
        and o.trade_date = $week
    group by o.price_ratio
)

select
    g.days_ahead,
    g.price_ratio,
    g.diffusion_index,
    o.first_threshold,
    o.delayed_threshold,
    o.dual_moving_average,
from microcap.fct_microcap_critical_grid as g
left join outlook as o on g.price_ratio = o.price_ratio
where
    g.index_code = 'microcap400'
    and g.trade_date = $week
    and g.diffusion_index is not null
order by g.days_ahead asc, g.price_ratio desc
