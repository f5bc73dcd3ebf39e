select
    cast(security_code as varchar) as security_code,
    cast(name as varchar) as name,
    cast(board as varchar) as board,
    cast(list_date as date) as list_date,
    cast(delist_date as date) as delist_date,
from {{ ref("stg_security") }}
