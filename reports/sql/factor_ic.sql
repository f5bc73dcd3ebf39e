select
    d.name_cn,
    d.name_en,
    max(f.rank_ic) filter (where f.universe = 'all') as ic_all,
    max(f.tradable_rank_ic) filter (where f.universe = 'all') as tradable_ic_all,
    max(f.rank_ic) filter (where f.universe = 'csi300') as ic_csi300,
    max(f.rank_ic) filter (where f.universe = 'csi500') as ic_csi500,
    max(f.rank_ic) filter (where f.universe = 'csi1000') as ic_csi1000,
    max(f.rank_ic) filter (where f.universe = 'microcap') as ic_microcap,
    max(f.unfillable_share) filter (where f.universe = 'all') as unfillable_share,
from factors.fct_factor_ic_weekly as f
inner join core.dim_factor as d on f.factor_code = d.factor_code
where f.trade_week = $week
group by d.factor_code, d.name_cn, d.name_en
having count(f.rank_ic) > 0
order by ic_all desc nulls last, d.factor_code asc
