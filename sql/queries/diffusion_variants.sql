-- question: Do the variants of the diffusion index agree on the ranking of a week?
-- parameter: week (date) = latest_week(): Any day of the exchange week asked for.
-- parameter: industry_system (text) = default_industry_system(): citic1, pool32 or
--     shenwan1.
-- known: week as week_of($week): select w.trade_week from
--     diffusion.fct_diffusion_index_weekly as w
-- known: industry_system: select distinct k.industry_system from
--     diffusion.fct_diffusion_index_weekly as k
-- column: variant (text): Variant; the default is the one that is published.
-- column: industry_count (integer): Industries with both values.
-- column: rank_correlation (number): Spearman's correlation with the default's ranks;
--     NULL below five industries.
-- column: mean_index (number): Mean of the diffusion index.
-- column: top_six_shared (integer): Of its top six, how many the default has too.
-- rows: some
with ranked as (
    select
        d.variant,
        d.industry_code,
        d.diffusion_index,
        rank() over by_index
        + (count(*) over same_index - 1) / 2.0 as average_rank,
        row_number() over in_order as place,
    from diffusion.fct_diffusion_index_weekly as d
    where
        d.trade_week = week_of($week)
        and d.industry_system = $industry_system
        and d.diffusion_index is not null
    window
        by_index as (partition by d.variant order by d.diffusion_index desc),
        same_index as (partition by d.variant, d.diffusion_index),
        in_order as (
            partition by d.variant
            order by d.diffusion_index desc, d.industry_code asc
        )
)

select
    r.variant,
    count(*) as industry_count,
    case
        when count(*) >= 5 then corr(r.average_rank, published.average_rank)
    end as rank_correlation,
    avg(r.diffusion_index) as mean_index,
    count(*) filter (r.place <= 6 and published.place <= 6) as top_six_shared,
from ranked as r
inner join ranked as published
    on
        r.industry_code = published.industry_code
        and published.variant = 'default'
group by r.variant
order by r.variant != 'default', r.variant
