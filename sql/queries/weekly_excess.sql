-- question: What did every strategy return in a week, in the month and in the year to
--     date, and how far above its benchmark?
-- parameter: week (date) = latest_week(): Any day of the exchange week asked for.
-- known: week as week_of($week): select w.trade_week from
--     diffusion.fct_diffusion_index_weekly as w
-- column: strategy_code (text): Strategy.
-- column: name_cn (text): Its Chinese name.
-- column: trade_week (date): Last trading day of the week.
-- column: strategy_return (number): Return of the week.
-- column: benchmark_return (number): The benchmark's.
-- column: excess_return (number): Difference of the two.
-- column: month_to_date_return (number): Since the last trading day of the last month.
-- column: month_to_date_excess_return (number): Less the benchmark's.
-- column: year_to_date_return (number): Since the last trading day of the last year.
-- column: year_to_date_excess_return (number): Less the benchmark's.
-- rows: some
select
    r.strategy_code,
    s.name_cn,
    r.trade_week,
    r.strategy_return,
    r.benchmark_return,
    r.excess_return,
    r.month_to_date_return,
    r.month_to_date_excess_return,
    r.year_to_date_return,
    r.year_to_date_excess_return,
from rotation.fct_rotation_return_weekly as r
inner join core.dim_strategy as s on r.strategy_code = s.strategy_code
where r.trade_week = week_of($week)
order by r.strategy_code
