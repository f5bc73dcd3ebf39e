-- question: How many weeks ahead does a factor tell of returns?
-- parameter: factor (text): Code of the factor, or its Chinese or English name.
-- parameter: universe (text) = 'all': all, csi300, csi500, csi1000 or microcap.
-- known: factor: select unnest([f.factor_code, f.name_cn, f.name_en]) from
--     core.dim_factor as f
-- known: universe: select u.universe from factors.dim_factor_universe as u
-- column: factor_code (text): Factor.
-- column: horizon_weeks (integer): The single week of the return, 1 = the next.
-- column: mean (number): Mean rank correlation with that week's return.
-- column: t_value (number): Newey-West t value of the mean.
-- column: share_of_first (number): Mean over that of the first week.
-- column: week_count (integer): Weeks.
-- rows: some
select
    d.factor_code,
    d.horizon_weeks,
    d.mean,
    d.t_value,
    d.mean / nullif(
        first_value(d.mean) over (
            partition by d.factor_code
            order by d.horizon_weeks
            rows between unbounded preceding and current row
        ),
        0
    ) as share_of_first,
    d.week_count,
from factors.fct_factor_ic_decay as d
inner join core.dim_factor as f on d.factor_code = f.factor_code
where
    d.universe = $universe
    and $factor in (f.factor_code, f.name_cn, f.name_en)
order by d.factor_code, d.horizon_weeks
