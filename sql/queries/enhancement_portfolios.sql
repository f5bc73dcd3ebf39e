-- question: How was the newest portfolio of each index enhancement made: were its
--     bounds kept, what was given up, and which were they?
-- parameter: week (date) = latest_week(): Any day of the exchange week asked for.
-- known: week as week_of($week): select w.trade_week from core.dim_trade_week as w
--     where w.is_complete
-- column: strategy_code (text): Strategy.
-- column: signal_date (date): Day whose close gave the portfolio.
-- column: index_code (text): Index that is enhanced.
-- column: outcome (text): kept, turnover_exceeded or no_trade.
-- column: reason (text): What was given up; NULL where every bound is kept.
-- column: held_count (integer): Stocks held.
-- column: member_share (number): Weight in members of the index.
-- column: largest_weight (number): Weight of the stock with the largest.
-- column: minimum_member_share (number): Least weight in members of the index.
-- column: stock_deviation (number): Largest distance of a stock from the index.
-- column: industry_deviation (number): Largest distance of an industry.
-- column: style_deviation (number): Largest distance of an exposure, in deviations.
-- column: styles (text): Styles whose exposures are bounded.
-- column: two_way_turnover (number): Largest sum of the weight changes of a rebalance.
-- rows: any
select
    p.strategy_code,
    p.signal_date,
    p.index_code,
    p.outcome,
    p.reason,
    p.held_count,
    p.member_share,
    p.largest_weight,
    p.minimum_member_share,
    p.stock_deviation,
    p.industry_deviation,
    p.style_deviation,
    p.styles,
    p.two_way_turnover,
from rotation.fct_enhancement_portfolio as p
where p.signal_date <= week_of($week)
qualify p.signal_date = max(p.signal_date) over (partition by p.strategy_code)
order by p.strategy_code
