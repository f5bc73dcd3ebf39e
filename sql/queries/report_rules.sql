-- question: What became of the analysts' reports, and how often did each rule hold?
-- parameter: year (integer) = (select max(k.year) from
--     scores.fct_report_rule_yearly as k): Year of publication.
-- known: year: select k.year from scores.fct_report_rule_yearly as k
-- column: rule_group (text): outcome, wording or forecast.
-- column: rule (text): Name of the rule.
-- column: hit_count (integer): Reports for which it holds.
-- column: report_count (integer): Reports of the year.
-- column: hit_share (number): Share of them.
-- rows: some
select
    r.rule_group,
    r.rule,
    r.hit_count,
    r.report_count,
    r.hit_share,
from scores.fct_report_rule_yearly as r
where r.year = $year
order by r.rule_group asc, r.hit_count desc, r.rule asc
