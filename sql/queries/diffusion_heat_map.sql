-- question: What is the heat map of the diffusion index over the past weeks?
-- parameter: week (date) = latest_week(): Any day of the exchange week asked for.
-- parameter: industry_system (text) = default_industry_system(): citic1, pool32 or
--     shenwan1.
-- parameter: variant (text) = 'default': Variant of the diffusion index.
-- parameter: length (integer) = 12: Weeks shown, the week asked for included.
-- known: week as week_of($week): select w.trade_week from
--     diffusion.fct_diffusion_index_weekly as w
-- known: industry_system: select distinct k.industry_system from
--     diffusion.fct_diffusion_index_weekly as k
-- known: variant: select distinct k.variant from
--     diffusion.fct_diffusion_index_weekly as k
-- column: industry_code (text): Industry.
-- column: name_cn (text): Its Chinese name.
-- column: trade_week (date): Week, a column of the map.
-- column: diffusion_index (number): Colour of the cell.
-- column: diffusion_rank (integer): Rank in that week.
-- column: current_rank (integer): Rank in the week asked for, the order of the lines.
-- rows: some
with shown_week as (
    select w.trade_week,
    from core.dim_trade_week as w
    where w.trade_week <= week_of($week)
    order by w.trade_week desc
    limit $length
),

cell as (
    select
        d.industry_code,
        d.trade_week,
        d.diffusion_index,
        d.diffusion_rank,
        max(d.diffusion_rank) filter (d.trade_week = week_of($week)) over (
            partition by d.industry_code
        ) as current_rank,
    from diffusion.fct_diffusion_index_weekly as d
    inner join shown_week as s on d.trade_week = s.trade_week
    where
        d.industry_system = $industry_system
        and d.variant = $variant
)

select
    c.industry_code,
    i.name_cn,
    c.trade_week,
    c.diffusion_index,
    c.diffusion_rank,
    c.current_rank,
from cell as c
left join core.dim_industry as i
    on
        c.industry_code = i.industry_code
        and i.industry_system = $industry_system
order by c.current_rank nulls last, c.industry_code, c.trade_week
