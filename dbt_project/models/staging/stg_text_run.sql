select
    run_id,
    encoder_code,
    first_scored_date,
    period_end_date,
from {{ source("raw", "text_run") }}
