{{ config(materialized="view") }}

with rejected_row as (
    select
        load_id,
        table_name,
        file_path,
        line_number,
        column_name,
        value,
        reason,
        expected,
        row_json,
    from {{ source("raw", "rejected_row") }}
)

select
    cast(load_id as bigint) as load_id,
    cast(table_name as varchar) as table_name,
    cast(file_path as varchar) as file_path,
    cast(line_number as bigint) as line_number,
    cast(column_name as varchar) as column_name,
    cast(value as varchar) as value,
    cast(reason as varchar) as reason,
    cast(expected as varchar) as expected,
    cast(row_json as varchar) as row_json,
from rejected_row
