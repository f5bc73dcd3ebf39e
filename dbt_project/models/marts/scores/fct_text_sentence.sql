with sentence as (
    select
        encoder_code,
        report_id,
        sentence_number,
        known_date,
        sentence,
        score_change,
        text_hash,
        run_id,
    from {{ ref("stg_text_sentence") }}
),

score as (
    select
        encoder_code,
        report_id,
        text_hash,
        run_id,
        corpus_cutoff_date,
    from {{ ref("int_text_score") }}
),

-- Of each encoder the reports that were weighed whenever it scored them: those before
-- hang on how often the warehouse was refreshed.
newest as (
    select
        encoder_code,
        max(known_date) as known_date,
    from {{ ref("int_text_score") }}
    group by encoder_code
)

select
    cast(sentence.encoder_code as varchar) as encoder_code,
    cast(sentence.report_id as varchar) as report_id,
    cast(sentence.sentence_number as integer) as sentence_number,
    cast(sentence.known_date as date) as known_date,
    cast(sentence.sentence as varchar) as sentence,
    cast(sentence.score_change as double) as score_change,
    cast(score.corpus_cutoff_date as date) as corpus_cutoff_date,
from sentence
-- Sentences that a correction took out of the report say nothing of its score, nor does
-- what they added to that of another training.
inner join score
    on
        sentence.encoder_code = score.encoder_code
        and sentence.report_id = score.report_id
        and sentence.text_hash = score.text_hash
        and coalesce(sentence.run_id, score.run_id) = score.run_id
inner join newest on sentence.encoder_code = newest.encoder_code
where sentence.known_date > newest.known_date - {{ var("text_sentence_days") }}
