-- question: What did the diffusion index of the newest week say on an evening?
-- parameter: evening (timestamp) = (select max(p.published_at) from
--     meta.meta_publication as p): Exchange time; a date means the end of that day.
-- parameter: industry_system (text) = default_industry_system(): citic1, pool32 or
--     shenwan1.
-- parameter: variant (text) = 'default': Variant of the diffusion index.
-- known: industry_system: select distinct k.industry_system from
--     diffusion.fct_diffusion_index_weekly as k
-- known: variant: select distinct k.variant from
--     diffusion.fct_diffusion_index_weekly as k
-- column: publication_id (integer): Publication in force.
-- column: published_at (timestamp): When it was published.
-- column: trade_week (date): Newest week in it.
-- column: industry_code (text): Industry.
-- column: name_cn (text): Its Chinese name.
-- column: diffusion_index (number): As it said then.
-- column: diffusion_rank (integer): As it said then.
-- column: current_diffusion_index (number): As the table says now, for the same week.
-- rows: some
with said as (
    select
        a.trade_week,
        a.industry_code,
        a.diffusion_index,
        a.diffusion_rank,
    from archive.diffusion_index_weekly_as_published($evening) as a
    where
        a.industry_system = $industry_system
        and a.variant = $variant
)

select
    p.publication_id,
    p.published_at,
    s.trade_week,
    s.industry_code,
    i.name_cn,
    s.diffusion_index,
    s.diffusion_rank,
    d.diffusion_index as current_diffusion_index,
from said as s
cross join archive.as_published($evening) as p
left join diffusion.fct_diffusion_index_weekly as d
    on
        s.trade_week = d.trade_week
        and s.industry_code = d.industry_code
        and d.industry_system = $industry_system
        and d.variant = $variant
left join core.dim_industry as i
    on
        s.industry_code = i.industry_code
        and i.industry_system = $industry_system
where s.trade_week = (select max(n.trade_week), from said as n)
order by s.diffusion_rank nulls last, s.industry_code
