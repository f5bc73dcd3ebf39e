select
    f.name_cn as model_name_cn,
    f.name_en as model_name_en,
    i.name_cn,
    i.name_en,
    s.z_score,
from scores.fct_industry_score_weekly as s
inner join core.dim_industry as i
    on
        s.industry_system = i.industry_system
        and s.industry_code = i.industry_code
inner join core.dim_factor as f on s.model_code = f.factor_code
where
    s.trade_week = $week
    and s.industry_system = $industry_system
    and s.z_score is not null
order by s.industry_code, s.model_code
