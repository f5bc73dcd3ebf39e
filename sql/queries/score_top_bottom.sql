-- question: Which stocks does a model score highest in a week, which lowest?
-- parameter: week (date) = latest_week(): Any day of the exchange week asked for.
-- parameter: model (text) = 'fused': Code of the model.
-- parameter: length (integer) = 10: Stocks on each side.
-- known: week as week_of($week): select w.trade_week from core.dim_trade_week as w
--     where w.is_complete
-- known: model: select f.factor_code from core.dim_factor as f
--     where f.factor_group = 'score'
-- column: side (text): top or bottom.
-- column: score_rank (integer): Rank among the stocks that count, 1 = highest.
-- column: security_code (text): Stock.
-- column: name (text): Its name.
-- column: score (number): Score on the model's own scale.
-- column: z_score (number): Standard score among the stocks that count.
-- column: pct_rank (number): Share of the other stocks with a lower score.
-- rows: any
with ranked as (
    select
        s.security_code,
        s.score,
        s.z_score,
        s.pct_rank,
        s.score_rank,
        row_number() over highest as place_from_top,
        row_number() over lowest as place_from_bottom,
    from scores.fct_stock_score_weekly as s
    where
        s.trade_week = week_of($week)
        and s.model_code = $model
        and s.score_rank is not null
    window
        highest as (order by s.score_rank asc, s.security_code asc),
        lowest as (order by s.score_rank desc, s.security_code desc)
)

select
    case when r.place_from_top <= $length then 'top' else 'bottom' end as side,
    r.score_rank,
    r.security_code,
    d.name,
    r.score,
    r.z_score,
    r.pct_rank,
from ranked as r
left join core.dim_security as d on r.security_code = d.security_code
where
    r.place_from_top <= $length
    or r.place_from_bottom <= $length
order by r.place_from_top
