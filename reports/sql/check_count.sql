select
    concat('severity_', c.severity) as severity,
    c.status,
    count(*) as check_count,
    max(c.checked_at) as checked_at,
from meta.meta_check_result as c
group by c.severity, c.status
order by c.severity, c.status
