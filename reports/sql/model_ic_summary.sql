select
    d.name_cn,
    d.name_en,
    m.first_week,
    m.last_week,
    m.mean,
    m.std,
    m.icir,
    m.t_value,
    m.positive_share,
    m.week_count,
from scores.fct_model_ic_summary as m
inner join core.dim_factor as d on m.model_code = d.factor_code
where m.period = 'all'
order by m.mean desc nulls last, m.model_code asc
