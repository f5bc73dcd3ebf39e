{{ config(materialized="view") }}

with model_training_epoch as (
    select
        run_id,
        seed,
        epoch,
        loss,
        valid_ic,
        is_best,
        seconds,
    from {{ source("raw", "model_training_epoch") }}
)

select
    cast(run_id as varchar) as run_id,
    cast(seed as bigint) as seed,
    cast(epoch as bigint) as epoch,
    cast(loss as double) as loss,
    cast(valid_ic as double) as valid_ic,
    cast(is_best as boolean) as is_best,
    cast(seconds as double) as seconds,
from model_training_epoch
