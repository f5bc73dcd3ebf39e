-- question: With what weights are the 27 high-frequency factors blended in a week?
-- parameter: week (date) = latest_week(): Any day of the exchange week asked for.
-- parameter: model (text) = 'hf_icir_weight': hf_icir_weight or hf_equal_weight.
-- known: week as week_of($week): select w.trade_week from core.dim_trade_week as w
--     where w.is_complete
-- known: model: select f.factor_code from core.dim_factor as f
--     where f.factor_group = 'score'
-- column: factor_code (text): Factor, the heaviest first.
-- column: name_cn (text): Its Chinese name.
-- column: sign (integer): Its published direction.
-- column: weight (number): Its weight; the absolute weights add up to one.
-- column: ic_week_count (integer): Weeks with a rank IC behind it, if it asks any.
-- column: reason (text): Why it has no weight; NULL where it has.
-- rows: any
select
    w.factor_code,
    f.name_cn,
    f.sign,
    w.weight,
    w.ic_week_count,
    w.reason,
from scores.fct_factor_blend_weight_weekly as w
inner join core.dim_factor as f on w.factor_code = f.factor_code
where
    w.trade_week = week_of($week)
    and w.model_code = $model
order by abs(w.weight) desc nulls last, w.factor_code asc
