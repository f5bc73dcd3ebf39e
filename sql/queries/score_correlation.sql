-- question: How alike do the parts of the fused models score, week by week?
-- parameter: since (date) = date '1990-01-01': First week asked for.
-- column: trade_week (date): Week of the scores.
-- column: model_code (text): Model.
-- column: other_model_code (text): The other model.
-- column: correlation (number): Correlation of their standard scores.
-- column: mean_correlation (number): Mean since the first week asked for.
-- column: stock_count (integer): Stocks with both scores.
-- rows: any
select
    c.trade_week,
    c.model_code,
    c.other_model_code,
    c.correlation,
    avg(c.correlation) over (
        partition by c.model_code, c.other_model_code
        order by c.trade_week
        rows between unbounded preceding and current row
    ) as mean_correlation,
    c.stock_count,
from scores.fct_score_correlation_weekly as c
where c.trade_week >= $since
order by c.model_code, c.other_model_code, c.trade_week
