-- question: What did the micro-cap index return in each year: on paper, after the
--     cost of daily rebalancing, tradable, and rebalanced once a month?
-- parameter: basket (text) = 'microcap400': Micro-cap index.
-- known: basket: select distinct k.index_code from
--     microcap.fct_microcap_index_daily as k
-- column: calendar_year (integer): Calendar year.
-- column: index_return (number): Return of the index.
-- column: net_return (number): After the cost of rebalancing every day.
-- column: tradable_return (number): With orders filled at the next open, before cost.
-- column: monthly_rebalanced_return (number): Rebalanced once a month, before cost.
-- column: rebalancing_drag (number): Monthly rebalanced less daily rebalanced.
-- column: turnover (number): Two-way turnover of the year.
-- column: unfillable_share (number): Mean share of the members that could not be had.
-- column: day_count (integer): Trading days with a return.
-- rows: some
select
    year(i.trade_date) as calendar_year,
    compound_return(i.index_return) as index_return,
    compound_return(i.net_return) as net_return,
    compound_return(i.tradable_return) as tradable_return,
    compound_return(i.monthly_rebalanced_return) as monthly_rebalanced_return,
    compound_return(i.monthly_rebalanced_return)
    - compound_return(i.index_return) as rebalancing_drag,
    sum(i.turnover) as turnover,
    avg(i.unfillable_share) as unfillable_share,
    count(i.index_return) as day_count,
from microcap.fct_microcap_index_daily as i
where
    i.index_code = $basket
    and i.index_return is not null
group by calendar_year
order by calendar_year
