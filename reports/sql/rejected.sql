select
    r.table_name,
    r.column_name,
    r.reason,
    count(*) as row_count,
from meta.meta_rejected_row as r
group by r.table_name, r.column_name, r.reason
order by row_count desc, r.table_name asc, r.column_name asc, r.reason asc
limit 50
