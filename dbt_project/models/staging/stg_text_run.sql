select
    run_id,
    encoder_code,
    -- What makes the scores of two periods those of one model. The embedded encoder is
    -- made anew for later periods; any other is the same in all.
    config_sha256
    || ' '
    || if(
        encoder_name in ('embedded', 'word counts'), encoder_name, encoder_revision
    ) as text_model,
from {{ source("raw", "text_run") }}
