-- question: Why is a stock in the text portfolio: which reports, with which scores, and
--     which sentences moved them?
-- parameter: security (text) = (select min(h.asset_code) from
--     rotation.fct_rotation_holding as h where h.strategy_code = 'bert_top25'
--     and h.weight > 0 and h.signal_date = (select max(k.signal_date) from
--     rotation.fct_rotation_holding as k where k.strategy_code = 'bert_top25')): Code
--     of the stock.
-- parameter: month (date) = (select max(k.trade_month_end) from
--     scores.fct_text_factor_monthly as k where k.encoder_code = 'bert'): Last trading
--     day of the month asked for.
-- parameter: encoder (text) = 'bert': bert or word_count.
-- known: month: select k.trade_month_end from scores.fct_text_factor_monthly as k
-- column: text_rank (integer): Rank of the stock by the text factor.
-- column: is_in_base_pool (boolean): Whether it is in the base pool.
-- column: composite_score (number): Composite of neutral factors that ranks the pool.
-- column: known_date (date): Day on which the report was known.
-- column: report_id (text): Report.
-- column: broker (text): Its broker.
-- column: adjustment (text): raised, lowered or both.
-- column: report_score (number): Score of the report.
-- column: corpus_cutoff_date (date): First day of which the encoder has read no text;
--     empty where unknown.
-- column: sentence (text): A sentence of it; the title is one.
-- column: score_change (number): What it adds to the score; empty where not weighed.
-- rows: some
with stock as (
    select
        f.encoder_code,
        f.security_code,
        f.trade_month_end,
        f.first_report_date,
        f.text_rank,
        f.is_in_base_pool,
        f.composite_score,
    from scores.fct_text_factor_monthly as f
    where
        f.encoder_code = $encoder
        and f.security_code = $security
        and f.trade_month_end = $month
)

select
    stock.text_rank,
    stock.is_in_base_pool,
    stock.composite_score,
    score.known_date,
    score.report_id,
    score.broker,
    score.adjustment,
    score.score as report_score,
    score.corpus_cutoff_date,
    part.sentence,
    part.score_change,
from stock
inner join scores.fct_text_score as score
    on
        stock.encoder_code = score.encoder_code
        and stock.security_code = score.security_code
        and score.known_date between stock.first_report_date and stock.trade_month_end
left join scores.fct_text_sentence as part
    on
        score.encoder_code = part.encoder_code
        and score.report_id = part.report_id
order by
    score.known_date asc,
    score.report_id asc,
    abs(part.score_change) desc,
    part.sentence_number asc
