select
    l.table_name,
    sum(l.row_count_accepted) as row_count_accepted,
    sum(l.row_count_unchanged) as row_count_unchanged,
    sum(l.row_count_rejected) as row_count_rejected,
    min(l.first_date) as first_date,
    max(l.last_date) as last_date,
    count(*) as load_count,
    max(l.loaded_at) as loaded_at,
from meta.meta_load as l
group by l.table_name
order by l.table_name
