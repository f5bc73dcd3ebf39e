-- A report counts as it stands now: a later correction takes it out or moves it to a
-- later day. It moves none to an earlier day: the score's training may have known what
-- came after.
with score as (
    select
        score.encoder_code,
        score.report_id,
        report.security_code,
        greatest(report.known_date, score.known_date) as known_date,
        score.down_probability,
        score.middle_probability,
        score.up_probability,
        {{ text_log_odds("score.up_probability") }} as up_log_odds,
        {{ text_log_odds("score.down_probability") }} as down_log_odds,
        score.low_threshold,
        score.high_threshold,
        score.corpus_cutoff_date,
        score.run_id,
        score.text_hash,
        run.text_model,
        score.load_id,
    from {{ ref("stg_text_score") }} as score
    inner join {{ ref("stg_text_run") }} as run on score.run_id = run.run_id
    inner join {{ ref("int_report") }} as report
        on
            score.report_id = report.report_id
            and report.excluded_reason is null
),

-- Scores of two models are not comparable: those of the one that scored last count.
newest as (
    select
        encoder_code,
        arg_max(text_model, load_id) as text_model,
    from score
    group by encoder_code
)

select
    score.encoder_code,
    score.report_id,
    score.security_code,
    score.known_date,
    score.down_probability,
    score.middle_probability,
    score.up_probability,
    score.up_log_odds,
    score.down_log_odds,
    score.up_log_odds - score.down_log_odds as score,
    score.low_threshold,
    score.high_threshold,
    score.corpus_cutoff_date,
    score.run_id,
    score.text_hash,
from score
inner join newest
    on
        score.encoder_code = newest.encoder_code
        and score.text_model = newest.text_model
