select
    cast(etf_code as varchar) as etf_code,
    cast(name as varchar) as name,
    cast(list_date as date) as list_date,
    cast(coalesce(etf_class, 'unclassified') as varchar) as etf_class,
    cast(index_code as varchar) as index_code,
from {{ ref("stg_etf") }}
