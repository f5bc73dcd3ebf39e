-- question: Which industries have the highest diffusion index of a week, which the
--     lowest, and how did they move on the week?
-- parameter: week (date) = latest_week(): Any day of the exchange week asked for.
-- parameter: industry_system (text) = default_industry_system(): citic1, pool32 or
--     shenwan1.
-- parameter: length (integer) = 6: Industries on each side.
-- parameter: variant (text) = 'default': Variant of the diffusion index.
-- known: week as week_of($week): select w.trade_week from
--     diffusion.fct_diffusion_index_weekly as w
-- known: industry_system: select distinct k.industry_system from
--     diffusion.fct_diffusion_index_weekly as k
-- known: variant: select distinct k.variant from
--     diffusion.fct_diffusion_index_weekly as k
-- column: side (text): top or bottom.
-- column: diffusion_rank (integer): Rank in the week, 1 = highest.
-- column: industry_code (text): Industry.
-- column: name_cn (text): Its Chinese name.
-- column: name_en (text): Its English name.
-- column: diffusion_index (number): Share of the cap above its price of 220 days ago.
-- column: change (number): Change on the week before.
-- column: previous_rank (integer): Rank of the week before.
-- rows: some
with ranked as (
    select
        d.industry_code,
        d.diffusion_index,
        d.change,
        row_number() over highest as place_from_top,
        row_number() over lowest as place_from_bottom,
        d.diffusion_rank,
    from diffusion.fct_diffusion_index_weekly as d
    where
        d.trade_week = week_of($week)
        and d.industry_system = $industry_system
        and d.variant = $variant
        and d.diffusion_index is not null
    window
        highest as (order by d.diffusion_rank asc, d.industry_code asc),
        lowest as (order by d.diffusion_rank desc, d.industry_code desc)
),

previous as (
    select
        d.industry_code,
        d.diffusion_rank,
    from diffusion.fct_diffusion_index_weekly as d
    inner join core.dim_trade_week as w on d.trade_week = w.previous_week
    where
        w.trade_week = week_of($week)
        and d.industry_system = $industry_system
        and d.variant = $variant
)

select
    case when r.place_from_top <= $length then 'top' else 'bottom' end as side,
    r.diffusion_rank,
    r.industry_code,
    i.name_cn,
    i.name_en,
    r.diffusion_index,
    r.change,
    p.diffusion_rank as previous_rank,
from ranked as r
left join previous as p on r.industry_code = p.industry_code
left join core.dim_industry as i
    on
        r.industry_code = i.industry_code
        and i.industry_system = $industry_system
where
    r.place_from_top <= $length
    or r.place_from_bottom <= $length
order by r.place_from_top
