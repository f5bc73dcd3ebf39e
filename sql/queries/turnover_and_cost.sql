-- question: How much does a strategy trade, and what does that cost it, by year?
-- parameter: strategy (text) = default_strategy(): Code of the strategy.
-- known: strategy: select s.strategy_code from core.dim_strategy as s
-- column: calendar_year (integer): Calendar year.
-- column: rebalance_count (integer): Days on which it traded.
-- column: turnover (number): Two-way turnover of the year.
-- column: mean_turnover (number): Two-way turnover of a rebalance.
-- column: cost (number): Cost of the year, as a share of the assets.
-- column: carried_days (integer): Days on which the return of a held asset was not
--     known; it counts as unchanged.
-- rows: some
select
    date_part('year', r.trade_date) as calendar_year,
    count(*) filter (r.is_rebalance) as rebalance_count,
    sum(r.turnover) as turnover,
    sum(r.turnover) / nullif(count(*) filter (r.is_rebalance), 0) as mean_turnover,
    sum(r.cost) as cost,
    count(*) filter (r.carried_count > 0) as carried_days,
from rotation.fct_rotation_return_daily as r
where r.strategy_code = $strategy
group by date_part('year', r.trade_date)
order by calendar_year
