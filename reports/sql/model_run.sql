select
    m.model_code,
    m.network,
    m.label,
    m.train_first_date,
    m.train_last_date,
    m.max_label_end_date,
    m.first_scored_date,
    m.embargo_days,
    m.seed_count,
    m.epoch_count,
    m.valid_ic,
    m.code_version,
from meta.meta_model_run as m
order by m.model_code, m.first_scored_date, m.run_id
