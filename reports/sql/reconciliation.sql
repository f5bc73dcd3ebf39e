select
    r.system,
    r.metric,
    r.figure_count,
    r.compared_count,
    r.mean_absolute_error,
    r.rank_correlation,
    r.sign_agreement,
    r.list_count,
    r.list_overlap,
    r.signal_count,
    r.signal_matched_count,
from meta.meta_reconciliation_summary as r
where r.compared_count > 0
order by r.system, r.metric
