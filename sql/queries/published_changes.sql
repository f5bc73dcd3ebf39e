-- question: What did a publication say about the diffusion index that the one before
--     had said otherwise or not at all?
-- parameter: publication (integer) = (select max(p.publication_id) from
--     meta.meta_publication as p): The publication; the last one by default.
-- known: publication: select k.publication_id from meta.meta_publication as k
-- column: kind (text): new, changed or gone.
-- column: industry_system (text): Industry system.
-- column: industry_code (text): Industry.
-- column: trade_week (date): Week.
-- column: variant (text): Variant.
-- column: diffusion_index (number): As this publication says.
-- column: former_diffusion_index (number): As the one before said.
-- column: diffusion_rank (integer): As this publication says.
-- column: former_diffusion_rank (integer): As the one before said.
-- rows: any
with opened as (
    select
        a.industry_system,
        a.industry_code,
        a.trade_week,
        a.variant,
        a.diffusion_index,
        a.diffusion_rank,
        true as is_shown,
    from archive.fct_diffusion_index_weekly as a
    where a.publication_id = $publication
),

closed as (
    select
        a.industry_system,
        a.industry_code,
        a.trade_week,
        a.variant,
        a.diffusion_index,
        a.diffusion_rank,
        true as is_shown,
    from archive.fct_diffusion_index_weekly as a
    where a.last_publication_id = $publication - 1
)

select
    case
        when c.is_shown is null then 'new'
        when o.is_shown is null then 'gone'
        else 'changed'
    end as kind,
    coalesce(o.industry_system, c.industry_system) as industry_system,
    coalesce(o.industry_code, c.industry_code) as industry_code,
    coalesce(o.trade_week, c.trade_week) as trade_week,
    coalesce(o.variant, c.variant) as variant,
    o.diffusion_index,
    c.diffusion_index as former_diffusion_index,
    o.diffusion_rank,
    c.diffusion_rank as former_diffusion_rank,
from opened as o
full outer join closed as c
    on
        o.industry_system = c.industry_system
        and o.industry_code = c.industry_code
        and o.trade_week = c.trade_week
        and o.variant = c.variant
order by kind, industry_system, variant, trade_week, industry_code
