select
    p.method,
    p.variant,
    p.period,
    p.last_date,
    p.total_return,
    p.annualised_return,
    p.annualised_excess,
    p.volatility,
    p.sharpe,
    p.max_drawdown,
    p.calmar,
    p.rebalance_count,
from microcap.fct_microcap_timing_performance as p
where
    p.index_code = 'microcap400'
    and p.period in ('all', 'year_to_date', 'month_to_date', 'week')
order by
    case p.period
        when 'week' then 1 when 'month_to_date' then 2 when 'year_to_date' then 3
        else 4
    end,
    p.method asc,
    p.variant desc
