select
    a.name_cn,
    a.name_en,
    b.name_cn as other_name_cn,
    b.name_en as other_name_en,
    c.correlation,
    c.stock_count,
from scores.fct_score_correlation_weekly as c
inner join core.dim_factor as a on c.model_code = a.factor_code
inner join core.dim_factor as b on c.other_model_code = b.factor_code
where
    c.trade_week = $week
    and c.correlation is not null
order by c.model_code, c.other_model_code
