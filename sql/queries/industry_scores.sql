-- question: How does a model score the industries in a week, and how did that move?
-- parameter: week (date) = latest_week(): Any day of the exchange week asked for.
-- parameter: model (text) = 'fused': Code of the model.
-- parameter: industry_system (text) = default_industry_system(): citic1, pool32 or
--     shenwan1.
-- known: week as week_of($week): select w.trade_week from core.dim_trade_week as w
--     where w.is_complete
-- known: model: select f.factor_code from core.dim_factor as f
--     where f.factor_group = 'score'
-- known: industry_system: select distinct i.industry_system from
--     core.dim_industry as i
-- column: score_rank (integer): Rank in the week, 1 = highest.
-- column: industry_code (text): Industry.
-- column: name_cn (text): Its Chinese name.
-- column: name_en (text): Its English name.
-- column: score (number): Mean standard score of the members, times 100.
-- column: z_score (number): Standard score among the industries.
-- column: change (number): Change of the score on the week before.
-- column: previous_rank (integer): Rank of the week before.
-- column: member_count (integer): Members that count.
-- rows: any
with previous as (
    select
        s.industry_code,
        s.score_rank,
    from scores.fct_industry_score_weekly as s
    inner join core.dim_trade_week as w on s.trade_week = w.previous_week
    where
        w.trade_week = week_of($week)
        and s.industry_system = $industry_system
        and s.model_code = $model
)

select
    s.score_rank,
    s.industry_code,
    i.name_cn,
    i.name_en,
    s.score,
    s.z_score,
    s.change,
    p.score_rank as previous_rank,
    s.member_count,
from scores.fct_industry_score_weekly as s
left join previous as p on s.industry_code = p.industry_code
left join core.dim_industry as i
    on
        s.industry_system = i.industry_system
        and s.industry_code = i.industry_code
where
    s.trade_week = week_of($week)
    and s.industry_system = $industry_system
    and s.model_code = $model
order by s.score_rank nulls last, s.industry_code
