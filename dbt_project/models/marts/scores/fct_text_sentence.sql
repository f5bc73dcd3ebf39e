select
    cast(encoder_code as varchar) as encoder_code,
    cast(report_id as varchar) as report_id,
    cast(sentence_number as integer) as sentence_number,
    cast(known_date as date) as known_date,
    cast(sentence as varchar) as sentence,
    cast(score_change as double) as score_change,
from {{ ref("stg_text_sentence") }}
