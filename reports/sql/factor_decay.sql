select
    d.name_cn,
    d.name_en,
    f.horizon_weeks,
    f.mean,
    (
        select max(i.trade_week),
        from factors.fct_factor_ic_weekly as i
    ) as last_week,
from factors.fct_factor_ic_decay as f
inner join core.dim_factor as d on f.factor_code = d.factor_code
where
    f.universe = 'all'
    and f.mean is not null
order by
    max(f.mean) filter (where f.horizon_weeks = 1) over (
        partition by d.factor_code
    ) desc nulls last,
    d.factor_code asc,
    f.horizon_weeks asc
