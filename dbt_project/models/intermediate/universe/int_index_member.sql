{{ config(materialized="view") }}

-- A list that is sent again with another first day would count its members twice.
select
    index_code,
    security_code,
    valid_from,
    least(
        valid_to,
        lead(valid_from) over (
            partition by index_code, security_code
            order by valid_from
        )
    ) as valid_to,
from {{ ref("stg_index_member") }}
