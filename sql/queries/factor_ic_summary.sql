-- question: What were the factors worth over a period?
-- parameter: universe (text) = 'all': all, csi300, csi500, csi1000 or microcap.
-- parameter: period (text) = 'all': week, month_to_date, year_to_date, a year, or all.
-- known: universe: select u.universe from factors.dim_factor_universe as u
-- known: period: select distinct p.period from factors.fct_factor_ic_summary as p
-- column: factor_code (text): Factor.
-- column: name_cn (text): Its Chinese name.
-- column: name_en (text): Its English name.
-- column: mean (number): Mean rank IC.
-- column: icir (number): Mean over standard deviation, per week.
-- column: t_value (number): Newey-West t value of the mean.
-- column: positive_share (number): Share of the weeks above zero.
-- column: week_count (integer): Weeks.
-- column: tradable_mean (number): Mean tradable rank IC.
-- column: tradable_t_value (number): Its t value.
-- rows: some
select
    s.factor_code,
    f.name_cn,
    f.name_en,
    s.mean,
    s.icir,
    s.t_value,
    s.positive_share,
    s.week_count,
    s.tradable_mean,
    s.tradable_t_value,
from factors.fct_factor_ic_summary as s
left join core.dim_factor as f on s.factor_code = f.factor_code
where
    s.universe = $universe
    and s.period = $period
order by abs(s.mean) desc nulls last, s.factor_code
