select
    c.encoder_code,
    c.year,
    c.class,
    c.report_count,
    c.mean_probability,
    c.actual_share,
    c.brier_score,
    c.mean_abnormal_return,
from scores.fct_text_calibration as c
-- A year whose last return ends after the week says what came later.
where c.last_label_date <= $week
order by c.encoder_code asc, c.year asc, c.class desc
