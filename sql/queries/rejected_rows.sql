-- question: Which rows were set aside while loading, and why?
-- column: table_name (text): Raw table.
-- column: reason (text): Check that failed.
-- column: column_name (text): Column at fault.
-- column: row_count (integer): Rows set aside.
-- column: example_value (text): Value of one of them.
-- column: example_file (text): File of that one.
-- column: example_line (integer): Line of that one.
-- rows: any
select
    r.table_name,
    r.reason,
    r.column_name,
    count(*) as row_count,
    arg_min(r.value, (r.load_id, r.line_number)) as example_value,
    arg_min(r.file_path, (r.load_id, r.line_number)) as example_file,
    arg_min(r.line_number, (r.load_id, r.line_number)) as example_line,
from meta.meta_rejected_row as r
group by r.table_name, r.reason, r.column_name
order by row_count desc, r.table_name asc, r.reason asc, r.column_name asc
