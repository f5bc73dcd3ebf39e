-- question: How does a model score the theme or concept indices in a week?
-- parameter: week (date) = latest_week(): Any day of the exchange week asked for.
-- parameter: model (text) = 'fused': Code of the model.
-- parameter: index_class (text) = 'theme': theme or concept.
-- known: week as week_of($week): select w.trade_week from core.dim_trade_week as w
--     where w.is_complete
-- known: model: select f.factor_code from core.dim_factor as f
--     where f.factor_group = 'score'
-- column: score_rank (integer): Rank in the class, 1 = highest.
-- column: index_code (text): Index.
-- column: index_name (text): Its name.
-- column: score (number): Weighted mean of the members' standard scores.
-- column: z_score (number): Standard score among the indices of the class.
-- column: change (number): Change of the score on the week before.
-- column: member_count (integer): Members that count.
-- column: weight_source (text): published or equal.
-- rows: any
select
    s.score_rank,
    s.index_code,
    s.index_name,
    s.score,
    s.z_score,
    s.change,
    s.member_count,
    s.weight_source,
from scores.fct_index_score_weekly as s
where
    s.trade_week = week_of($week)
    and s.model_code = $model
    and s.index_class = $index_class
order by s.score_rank nulls last, s.index_code
