select
    d.name_cn,
    d.name_en,
    f.paper_return,
    f.tradable_return,
    f.long_unfillable_share,
    f.short_unfillable_share,
    f.turnover,
    f.stock_count,
from factors.fct_factor_long_short_weekly as f
inner join core.dim_factor as d on f.factor_code = d.factor_code
where
    f.universe = 'all'
    and f.trade_week = $week
    and f.paper_return is not null
order by f.paper_return desc, f.factor_code asc
