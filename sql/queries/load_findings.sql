-- question: What did loads notice in rows that they took, though nothing forbids it?
-- column: table_name (text): Raw table.
-- column: finding (text): What was noticed.
-- column: row_count (integer): Rows that it concerns.
-- column: load_count (integer): Loads that noticed it.
-- column: example (text): One of the rows, of the newest load.
-- column: example_file (text): File of that load.
-- rows: any
select
    l.table_name,
    f.finding,
    cast(sum(f.row_count) as bigint) as row_count,
    count(*) as load_count,
    arg_max(f.example, f.load_id) as example,
    arg_max(l.file_path, f.load_id) as example_file,
from meta.meta_load_finding as f
inner join meta.meta_load as l on f.load_id = l.load_id
group by l.table_name, f.finding
order by row_count desc, l.table_name asc, f.finding asc
