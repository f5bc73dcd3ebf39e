with shown_week as (
    select w.trade_week,
    from core.dim_trade_week as w
    where w.trade_week <= $week
    order by w.trade_week desc
    limit 12
)

select
    d.name_cn,
    d.name_en,
    f.trade_week,
    f.rank_ic,
from factors.fct_factor_ic_weekly as f
inner join shown_week as w on f.trade_week = w.trade_week
inner join core.dim_factor as d on f.factor_code = d.factor_code
where
    f.universe = 'all'
    and f.rank_ic is not null
order by
    max(f.rank_ic) filter (where f.trade_week = $week) over (
        partition by d.factor_code
    ) desc nulls last,
    d.factor_code asc,
    f.trade_week asc
