with shown_week as (
    select w.trade_week,
    from core.dim_trade_week as w
    where w.trade_week <= $week
    order by w.trade_week desc
    limit 12
)

select
    i.name_cn,
    i.name_en,
    d.trade_week,
    d.diffusion_index,
from diffusion.fct_diffusion_index_weekly as d
inner join shown_week as w on d.trade_week = w.trade_week
inner join core.dim_industry as i
    on
        d.industry_system = i.industry_system
        and d.industry_code = i.industry_code
left join diffusion.fct_diffusion_index_weekly as newest
    on
        d.industry_system = newest.industry_system
        and d.industry_code = newest.industry_code
        and d.variant = newest.variant
        and newest.trade_week = $week
where
    d.variant = 'default'
    and d.industry_system = $industry_system
    and d.diffusion_index is not null
order by newest.diffusion_rank nulls last, d.industry_code, d.trade_week
