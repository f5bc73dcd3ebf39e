with ranked as (
    select
        d.*,
        row_number() over (
            order by d.diffusion_rank asc, d.industry_code asc
        ) as place_from_top,
        row_number() over (
            order by d.diffusion_rank desc, d.industry_code desc
        ) as place_from_bottom,
    from diffusion.fct_diffusion_index_weekly as d
    where
        d.variant = 'default'
        and d.industry_system = $industry_system
        and d.trade_week = $week
        and d.diffusion_rank is not null
)

select
    if(r.place_from_top <= r.place_from_bottom, 'top', 'bottom') as side,
    i.name_cn,
    i.name_en,
    r.diffusion_rank,
    r.diffusion_index,
    r.change,
from ranked as r
inner join core.dim_industry as i
    on
        r.industry_system = i.industry_system
        and r.industry_code = i.industry_code
where r.place_from_top <= 6 or r.place_from_bottom <= 6
order by r.place_from_top
