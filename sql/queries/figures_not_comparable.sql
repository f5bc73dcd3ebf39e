-- question: Which published figures are not compared with ours, and why not?
-- column: system (text): Published system.
-- column: reason (text): Why the figures are not compared.
-- column: figure_count (integer): Figures.
-- column: first_date (date): Earliest day that they are about.
-- column: last_date (date): Latest day that they are about.
-- rows: any
select
    r.system,
    r.reason,
    count(*) as figure_count,
    min(r.as_of_date) as first_date,
    max(r.as_of_date) as last_date,
from meta.meta_reconciliation as r
where r.status = 'not_comparable'
group by r.system, r.reason
order by r.system asc, figure_count desc, r.reason asc
