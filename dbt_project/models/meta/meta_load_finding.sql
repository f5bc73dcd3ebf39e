{{ config(materialized="view") }}

with load_finding as (
    select
        load_id,
        finding,
        row_count,
        example,
    from {{ source("raw", "load_finding") }}
)

select
    cast(load_id as bigint) as load_id,
    cast(finding as varchar) as finding,
    cast(row_count as bigint) as row_count,
    cast(example as varchar) as example,
from load_finding
