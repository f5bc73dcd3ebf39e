-- question: How did the published test of a model go, its rank IC with the return of
--     five days from the close of the day after the score?
-- parameter: model (text) = 'fused': Code of the model.
-- parameter: since (date) = date '1990-01-01': First week asked for.
-- known: model: select f.factor_code from core.dim_factor as f
--     where f.factor_group = 'score'
-- column: trade_week (date): Week of the score.
-- column: known_date (date): Last day of the return.
-- column: rank_ic (number): Rank IC.
-- column: cumulative_ic (number): Sum of the rank ICs since the first week asked for.
-- column: stock_count (integer): Stocks that count and could be bought.
-- column: excluded_count (integer): Stocks that could not.
-- column: reason (text): Why an IC is missing.
-- rows: any
select
    c.trade_week,
    c.known_date,
    c.rank_ic,
    sum(c.rank_ic) over (
        order by c.trade_week
        rows between unbounded preceding and current row
    ) as cumulative_ic,
    c.stock_count,
    c.excluded_count,
    c.reason,
from scores.fct_model_ic_weekly as c
where
    c.model_code = $model
    and c.trade_week >= $since
order by c.trade_week
