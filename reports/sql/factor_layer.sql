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
window factor_layers as (partition by d.factor_code)
order by
    sum(
        case f.layer
            when 1 then f.paper_return
            when 10 then -f.paper_return
        end
    ) over factor_layers
    desc nulls last,
    d.factor_code asc,
    f.layer asc
