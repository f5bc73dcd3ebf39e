-- question: What are the factors of one stock in a week, raw, standardised and neutral?
-- parameter: stock (text): Security code, or the name.
-- parameter: week (date) = latest_week(): Last trading day of the week.
-- known: week as $week: select distinct k.trade_week from
--     factors.fct_factor_value_weekly as k
-- known: stock: select unnest([s.security_code, s.name]) from core.dim_security as s
-- column: factor_code (text): Factor.
-- column: name_cn (text): Its Chinese name.
-- column: value (number): Value in its own unit.
-- column: unit (text): That unit.
-- column: z_score (number): Standard score over all stocks.
-- column: neutral_z_score (number): The same, neutral to industry and size.
-- column: stock_count (integer): Stocks with a value.
-- rows: some
with counted as (
    select
        v.factor_code,
        count(*) as stock_count,
    from factors.fct_factor_value_weekly as v
    where v.trade_week = $week
    group by v.factor_code
)

select
    f.factor_code,
    f.name_cn,
    v.value,
    f.unit,
    v.z_score,
    v.neutral_z_score,
    c.stock_count,
from factors.fct_factor_value_weekly as v
inner join core.dim_factor as f on v.factor_code = f.factor_code
inner join core.dim_security as s on v.security_code = s.security_code
inner join counted as c on v.factor_code = c.factor_code
where
    v.trade_week = $week
    and $stock in (s.security_code, s.name)
order by f.factor_code
