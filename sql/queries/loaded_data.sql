-- question: What is loaded into each raw table, over which days, and how fresh is it?
-- column: table_name (text): Raw table.
-- column: load_count (integer): Loads that took effect.
-- column: row_count_accepted (integer): Rows taken.
-- column: row_count_rejected (integer): Rows set aside.
-- column: first_date (date): First day loaded.
-- column: last_date (date): Last day loaded.
-- column: days_behind (integer): Calendar days between the last day loaded and the
--     publication's last trading day.
-- column: last_loaded_at (timestamp): Time of the newest load, exchange time.
-- rows: some
select
    l.table_name,
    count(*) as load_count,
    cast(sum(l.row_count_accepted) as bigint) as row_count_accepted,
    cast(sum(l.row_count_rejected) as bigint) as row_count_rejected,
    min(l.first_date) as first_date,
    max(l.last_date) as last_date,
    latest_day() - max(l.last_date) as days_behind,
    cast(max(l.loaded_at) as timestamp) as last_loaded_at,
from meta.meta_load as l
group by l.table_name
order by l.table_name
