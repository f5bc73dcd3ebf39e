-- question: What does each part add: models beside their ablations, ours and published?
-- parameter: period (text) = 'all': year_to_date, a year, or all.
-- known: period: select distinct p.period from factors.fct_factor_ic_summary as p
-- column: model_code (text): Model, the best published first.
-- column: name_cn (text): Its Chinese name.
-- column: name_en (text): Its English name.
-- column: mean (number): Mean rank IC of five days of ours; NULL without scores.
-- column: t_value (number): Newey-West t value of the mean.
-- column: icir (number): Mean over standard deviation, per week.
-- column: positive_share (number): Share of the weeks above zero.
-- column: week_count (integer): Weeks.
-- column: published_mean (number): Published, all A-shares, 2017 to 2023-11.
-- column: unavailable_reason (text): Why the model has no scores; NULL where it has.
-- rows: some
with published_as as (
    select
        unnest([
            'fused',
            'gru_four_task',
            'gru_daily_only',
            'gru_low_frequency',
            'gru_separate_encoders',
            'low_frequency_equal_weight',
            'gru_high_frequency',
            'hf_equal_weight',
            'hf_icir_weight',
        ]) as model_code,
        unnest([
            'all_frequency_fusion_factor',
            'all_frequency_multitask_factor',
            'lf_daily_only_factor',
            'lf_multitask_factor',
            'lf_multitask_no_shared_gru',
            'lf_equal_weight_factor',
            'hf_deep_learning_factor',
            'hf_equal_weight_factor',
            'hf_icir_weight_factor',
        ]) as system,
),

published as (
    select
        published_as.model_code,
        f.published_value as published_mean,
    from published_as
    inner join meta.meta_published_figure as f on published_as.system = f.system
    where f.metric = 'rank_ic_mean'
)

select
    m.model_code,
    m.name_cn,
    m.name_en,
    s.mean,
    s.t_value,
    s.icir,
    s.positive_share,
    s.week_count,
    p.published_mean,
    m.unavailable_reason,
from core.dim_model as m
inner join published as p on m.model_code = p.model_code
left join scores.fct_model_ic_summary as s
    on
        m.model_code = s.model_code
        and s.period = $period
order by p.published_mean desc, m.model_code asc
