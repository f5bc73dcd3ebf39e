-- question: How did the diffusion index of one industry go, week by week?
-- parameter: industry (text): Code, Chinese or English name.
-- parameter: industry_system (text) = default_industry_system(): citic1, pool32 or
--     shenwan1.
-- parameter: variant (text) = 'default': Variant of the diffusion index.
-- parameter: since (date) = date '1990-01-01': First day asked for.
-- known: industry: select unnest([i.industry_code, i.name_cn, i.name_en]) from
--     core.dim_industry as i where i.industry_system = $industry_system
-- known: industry_system: select distinct k.industry_system from
--     diffusion.fct_diffusion_index_weekly as k
-- known: variant: select distinct k.variant from
--     diffusion.fct_diffusion_index_weekly as k
-- column: trade_week (date): Last trading day of the week.
-- column: industry_code (text): Industry.
-- column: diffusion_index (number): Diffusion index at the week's end.
-- column: diffusion_rank (integer): Rank among the system's industries.
-- column: change (number): Change on the week before.
-- column: member_count (integer): Stocks that count.
-- column: excluded_count (integer): Members left out.
-- rows: some
select
    d.trade_week,
    d.industry_code,
    d.diffusion_index,
    d.diffusion_rank,
    d.change,
    d.member_count,
    d.excluded_count,
from diffusion.fct_diffusion_index_weekly as d
inner join core.dim_industry as i
    on
        d.industry_system = i.industry_system
        and d.industry_code = i.industry_code
where
    d.industry_system = $industry_system
    and d.variant = $variant
    and d.trade_week >= $since
    and $industry in (i.industry_code, i.name_cn, i.name_en)
order by d.trade_week
