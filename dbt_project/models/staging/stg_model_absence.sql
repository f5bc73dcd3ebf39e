select
    model_code,
    reason,
from {{ source("raw", "model_absence") }}
