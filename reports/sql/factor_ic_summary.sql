select
    d.name_cn,
    d.name_en,
    max(s.mean) filter (where s.period = 'month_to_date') as month_ic,
    max(s.mean) filter (where s.period = 'year_to_date') as year_ic,
    max(s.mean) filter (where s.period = 'all') as mean,
    max(s.tradable_mean) filter (where s.period = 'all') as tradable_mean,
    max(s.icir) filter (where s.period = 'all') as icir,
    max(s.t_value) filter (where s.period = 'all') as t_value,
    max(s.positive_share) filter (where s.period = 'all') as positive_share,
    max(s.week_count) filter (where s.period = 'all') as week_count,
    max(s.last_week) as last_week,
from factors.fct_factor_ic_summary as s
inner join core.dim_factor as d on s.factor_code = d.factor_code
where s.universe = 'all'
group by d.factor_code, d.name_cn, d.name_en
having count(s.mean) > 0
order by mean desc nulls last, d.factor_code asc
