-- question: How did the timing methods of the micro-cap index perform beside the index?
-- parameter: basket (text) = 'microcap400': Basket of stocks.
-- parameter: period (text) = 'all': all, a year, year_to_date, month_to_date or week.
-- known: basket: select distinct k.index_code from
--     microcap.fct_microcap_timing_performance as k
-- known: period: select distinct k.period from
--     microcap.fct_microcap_timing_performance as k
-- column: method (text): Timing method, or index.
-- column: variant (text): tradable or paper.
-- column: total_return (number): Compounded return after cost.
-- column: annualised_return (number): The same a year.
-- column: volatility (number): Annualised.
-- column: sharpe (number): Annualised return over volatility.
-- column: max_drawdown (number): Deepest fall from a high.
-- column: switch_count (integer): Times in or out.
-- column: day_count (integer): Days with a return.
-- rows: some
select
    p.method,
    p.variant,
    p.total_return,
    p.annualised_return,
    p.volatility,
    p.sharpe,
    p.max_drawdown,
    p.rebalance_count as switch_count,
    p.day_count,
from microcap.fct_microcap_timing_performance as p
where
    p.index_code = $basket
    and p.period = $period
order by p.variant desc, p.method asc
