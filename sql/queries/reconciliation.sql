-- question: How near are our figures to the published ones, by system and metric?
-- parameter: system (text) = 'all': One published system, or all of them.
-- known: system: select 'all' union select r.system from meta.meta_reconciliation as r
-- column: system (text): Published system.
-- column: metric (text): What is compared.
-- column: figure_count (integer): Published figures.
-- column: compared_count (integer): Of these, compared.
-- column: not_comparable_count (integer): Of these, not comparable.
-- column: mean_absolute_error (number): Mean distance of ours from the published value.
-- column: rank_correlation (number): Spearman's correlation of the two.
-- column: sign_agreement (number): Share with the same sign.
-- column: list_overlap (number): Share of published lists' seats that ours have too.
-- column: signal_matched_count (integer): Published signals that are ours too.
-- rows: some
select
    r.system,
    r.metric,
    r.figure_count,
    r.compared_count,
    r.not_comparable_count,
    r.mean_absolute_error,
    r.rank_correlation,
    r.sign_agreement,
    r.list_overlap,
    r.signal_matched_count,
from meta.meta_reconciliation_summary as r
where $system in ('all', r.system)
order by r.system, r.metric
