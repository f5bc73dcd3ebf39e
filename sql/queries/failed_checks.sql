-- question: Which checks did not pass in the run behind this publication?
-- column: status (text): warn, fail or error.
-- column: check_name (text): Check.
-- column: table_name (text): Table it is about.
-- column: failure_count (integer): Rows at fault.
-- column: message (text): What was found.
-- column: checked_at (timestamp): When, exchange time.
-- rows: any
select
    c.status,
    c.check_name,
    c.table_name,
    c.failure_count,
    c.message,
    cast(c.checked_at as timestamp) as checked_at,
from meta.meta_check_result as c
where c.status != 'pass'
order by c.status, c.table_name, c.check_name
