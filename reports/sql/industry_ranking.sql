select
    d.diffusion_rank,
    i.name_cn,
    i.name_en,
    d.diffusion_index,
    d.change,
    r.float_cap_return,
    r.equal_weight_return,
    d.member_count,
    d.excluded_count,
from diffusion.fct_diffusion_index_weekly as d
inner join core.dim_industry as i
    on
        d.industry_system = i.industry_system
        and d.industry_code = i.industry_code
left join industry.fct_industry_return_weekly as r
    on
        d.industry_system = r.industry_system
        and d.industry_code = r.industry_code
        and d.trade_week = r.trade_week
where
    d.variant = 'default'
    and d.industry_system = $industry_system
    and d.trade_week = $week
order by d.diffusion_rank nulls last, d.industry_code
