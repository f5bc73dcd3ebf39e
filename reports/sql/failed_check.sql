select
    c.check_name,
    c.table_name,
    concat('severity_', c.severity) as severity,
    c.status,
    c.failure_count,
    c.message,
from meta.meta_check_result as c
where c.status not in ('pass', 'success')
order by c.check_name
