select
    d.name_cn,
    d.name_en,
    f.layer,
    f.last_week,
    f.year_to_date_paper_return,
from bi.mart_factor_layer as f
inner join core.dim_factor as d on f.factor_code = d.factor_code
where
    f.universe = 'all'
    and f.year_to_date_paper_return is not null
window factor_layers as (partition by d.factor_code)
order by
    sum(
        case f.layer
            when 1 then f.year_to_date_paper_return
            when 10 then -f.year_to_date_paper_return
        end
    ) over factor_layers
    desc nulls last,
    d.factor_code asc,
    f.layer asc
