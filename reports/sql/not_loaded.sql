with known as (
    select unnest($raw_tables) as table_name,
)

select k.table_name,
from known as k
anti join meta.meta_load as l
    on
        k.table_name = l.table_name
        and l.row_count_accepted > 0
order by k.table_name
