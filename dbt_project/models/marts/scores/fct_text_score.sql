select
    cast(score.encoder_code as varchar) as encoder_code,
    cast(score.report_id as varchar) as report_id,
    cast(score.security_code as varchar) as security_code,
    cast(score.known_date as date) as known_date,
    cast(report.published_at as timestamp) as published_at,
    cast(report.broker as varchar) as broker,
    cast(report.adjustment as varchar) as adjustment,
    cast(report.adjustment_source as varchar) as adjustment_source,
    cast(score.up_probability as double) as up_probability,
    cast(score.middle_probability as double) as middle_probability,
    cast(score.down_probability as double) as down_probability,
    cast(score.up_log_odds as double) as up_log_odds,
    cast(score.down_log_odds as double) as down_log_odds,
    cast(score.score as double) as score,
    cast(score.corpus_cutoff_date as date) as corpus_cutoff_date,
    cast(score.run_id as varchar) as run_id,
from {{ ref("int_text_score") }} as score
inner join {{ ref("int_report") }} as report on score.report_id = report.report_id
