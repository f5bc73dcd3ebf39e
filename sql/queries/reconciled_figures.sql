-- question: What do the published figures of a system say, and what do ours?
-- parameter: system (text) = 'all': One published system, or all of them.
-- known: system: select 'all' union select r.system from meta.meta_reconciliation as r
-- column: figure_id (text): Published figure.
-- column: system (text): Published system.
-- column: metric (text): What it measures.
-- column: subject (text): What it is about.
-- column: as_of_date (date): Day it is about.
-- column: published_value (number): As published.
-- column: our_value (number): Ours; NULL where not comparable.
-- column: difference (number): Ours less the published one.
-- column: status (text): compared or not_comparable.
-- column: reason (text): Why not, where not comparable.
-- rows: some
select
    r.figure_id,
    r.system,
    r.metric,
    r.subject,
    r.as_of_date,
    r.published_value,
    r.our_value,
    r.difference,
    r.status,
    r.reason,
from meta.meta_reconciliation as r
where $system in ('all', r.system)
order by r.system, r.metric, r.as_of_date, r.figure_id
