select
    coalesce(d.name_cn, m.model_code) as name_cn,
    coalesce(d.name_en, m.model_code) as name_en,
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
left join core.dim_model as d on m.model_code = d.model_code
order by m.model_code, m.first_scored_date, m.run_id
