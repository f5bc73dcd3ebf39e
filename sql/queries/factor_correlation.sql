-- question: Which factors say the same of the stocks of a week?
-- parameter: week (date) = latest_week(): Last trading day of the week.
-- known: week as $week: select distinct k.trade_week from
--     factors.fct_factor_value_weekly as k
-- column: factor_code (text): Factor.
-- column: other_factor_code (text): Another factor.
-- column: correlation (number): Correlation of their standard scores.
-- column: neutral_correlation (number): The same of the neutral scores.
-- column: stock_count (integer): Stocks with both.
-- rows: some
select
    a.factor_code,
    b.factor_code as other_factor_code,
    corr(a.z_score, b.z_score) as correlation,
    corr(a.neutral_z_score, b.neutral_z_score) as neutral_correlation,
    count(*) as stock_count,
from factors.fct_factor_value_weekly as a
inner join factors.fct_factor_value_weekly as b
    on
        a.trade_week = b.trade_week
        and a.security_code = b.security_code
        and a.factor_code < b.factor_code
where
    a.trade_week = $week
    and a.z_score is not null
    and b.z_score is not null
group by a.factor_code, b.factor_code
having count(*) > 2
order by
    abs(corr(a.z_score, b.z_score)) desc,
    a.factor_code asc,
    b.factor_code asc
