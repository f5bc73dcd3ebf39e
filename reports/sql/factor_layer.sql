select
    d.name_cn,
    d.name_en,
    f.layer,
    f.paper_return,
from factors.fct_factor_layer_return_weekly as f
inner join core.dim_factor as d on f.factor_code = d.factor_code
where
    f.universe = $universe
    and f.trade_week = $week
    and f.paper_return is not null
order by d.factor_group desc, d.factor_code asc, f.layer asc
