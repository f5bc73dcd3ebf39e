-- question: How were the models trained, until when, and which weeks may they score?
-- column: model_code (text): Model.
-- column: first_scored_date (date): First day that the checkpoint may score.
-- column: period_end_date (date): First day that it may no longer score.
-- column: train_first_date (date): First sample of train.
-- column: train_last_date (date): Last sample of train.
-- column: valid_last_date (date): Last sample of valid.
-- column: max_label_end_date (date): Last day whose price a label knows.
-- column: stock_count (integer): Stocks of the largest date.
-- column: epoch_count (integer): Epochs of all seeds.
-- column: valid_ic (number): Mean rank IC on valid.
-- column: seconds (number): Seconds of the training.
-- column: run_id (text): Training.
-- rows: any
select
    r.model_code,
    r.first_scored_date,
    r.period_end_date,
    r.train_first_date,
    r.train_last_date,
    r.valid_last_date,
    r.max_label_end_date,
    r.stock_count,
    r.epoch_count,
    r.valid_ic,
    r.seconds,
    r.run_id,
from meta.meta_model_run as r
order by r.model_code, r.first_scored_date, r.trained_at
