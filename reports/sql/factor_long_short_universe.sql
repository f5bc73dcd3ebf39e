select
    d.name_cn,
    d.name_en,
    max(f.paper_return) filter (where f.universe = 'all') as all_return,
    max(f.paper_return) filter (where f.universe = 'csi300') as csi300_return,
    max(f.paper_return) filter (where f.universe = 'csi500') as csi500_return,
    max(f.paper_return) filter (where f.universe = 'csi1000') as csi1000_return,
    max(f.paper_return) filter (where f.universe = 'microcap') as microcap_return,
from factors.fct_factor_long_short_weekly as f
inner join core.dim_factor as d on f.factor_code = d.factor_code
where f.trade_week = $week
group by d.factor_code, d.name_cn, d.name_en
having count(f.paper_return) > 0
order by all_return desc nulls last, d.factor_code asc
