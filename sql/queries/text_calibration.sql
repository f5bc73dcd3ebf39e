-- question: Do the probabilities of the text models come true, year by year?
-- parameter: encoder (text) = 'bert': bert or word_count.
-- column: year (integer): Year in which the reports were known.
-- column: class (text): down, middle or up.
-- column: report_count (integer): Scored reports with a return.
-- column: mean_probability (number): Mean probability given to the class.
-- column: actual_share (number): Share that fell into it.
-- column: predicted_count (integer): Reports whose most probable class it is.
-- column: actual_down_count (integer): Of those predicted, reports that fell.
-- column: actual_middle_count (integer): Of those predicted, reports in the middle.
-- column: actual_up_count (integer): Of those predicted, reports that rose.
-- column: mean_abnormal_return (number): Their mean abnormal return.
-- rows: some
select
    c.year,
    c.class,
    c.report_count,
    c.mean_probability,
    c.actual_share,
    c.predicted_count,
    c.actual_down_count,
    c.actual_middle_count,
    c.actual_up_count,
    c.mean_abnormal_return,
from scores.fct_text_calibration as c
where c.encoder_code = $encoder
order by c.year, c.class
