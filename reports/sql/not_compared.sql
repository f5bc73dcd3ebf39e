select
    r.system,
    r.reason,
    count(*) as figure_count,
from meta.meta_reconciliation as r
where r.status = 'not_comparable'
group by r.system, r.reason
order by r.system, r.reason
