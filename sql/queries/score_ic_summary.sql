-- question: What were the models worth over a period, by the published test?
-- parameter: period (text) = 'all': year_to_date, a year, or all.
-- known: period: select distinct p.period from factors.fct_factor_ic_summary as p
-- column: model_code (text): Model.
-- column: name_cn (text): Its Chinese name.
-- column: name_en (text): Its English name.
-- column: mean (number): Mean rank IC of five days.
-- column: std (number): Standard deviation over the weeks.
-- column: icir (number): Mean over standard deviation, per week.
-- column: t_value (number): Newey-West t value of the mean.
-- column: positive_share (number): Share of the weeks above zero.
-- column: week_count (integer): Weeks.
-- rows: any
select
    s.model_code,
    f.name_cn,
    f.name_en,
    s.mean,
    s.std,
    s.icir,
    s.t_value,
    s.positive_share,
    s.week_count,
from scores.fct_model_ic_summary as s
left join core.dim_factor as f on s.model_code = f.factor_code
where s.period = $period
order by s.mean desc nulls last, s.model_code asc
