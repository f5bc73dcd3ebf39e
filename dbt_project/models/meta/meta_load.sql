{{ config(materialized="view") }}

with load as (
    select
        load_id,
        source,
        mapping,
        table_name,
        file_path,
        file_sha256,
        loaded_at,
        row_count_read,
        row_count_accepted,
        row_count_unchanged,
        row_count_rejected,
        first_date,
        last_date,
        status,
    from {{ source("raw", "load") }}
)

select
    cast(load_id as bigint) as load_id,
    cast(source as varchar) as source,
    cast(mapping as varchar) as mapping,
    cast(table_name as varchar) as table_name,
    cast(file_path as varchar) as file_path,
    cast(file_sha256 as varchar) as file_sha256,
    cast(loaded_at as timestamp with time zone) as loaded_at,
    cast(row_count_read as bigint) as row_count_read,
    cast(row_count_accepted as bigint) as row_count_accepted,
    cast(row_count_unchanged as bigint) as row_count_unchanged,
    cast(row_count_rejected as bigint) as row_count_rejected,
    cast(first_date as date) as first_date,
    cast(last_date as date) as last_date,
    cast(status as varchar) as status,
from load
