-- question: What would have to happen for the next timing signal?
-- parameter: day (date) = latest_day(): Trading day asked for, or the last before it.
-- parameter: basket (text) = 'microcap400': Basket of stocks.
-- known: basket: select distinct k.index_code from microcap.fct_signal_outlook as k
-- column: method (text): Timing method.
-- column: is_full (boolean): Whether the method is in the index that day.
-- column: price_ratio (number): Price after 10 exchange days over the price of the day,
--     reached by the same drift every day.
-- column: days_to_signal (integer): First day of the path on which the method fires.
-- column: action (text): What it would say then.
-- column: null_reason (text): Why there is no day.
-- rows: some
select
    o.method,
    o.is_full,
    o.price_ratio,
    o.days_to_signal,
    o.action,
    o.null_reason,
from microcap.fct_signal_outlook as o
where
    o.index_code = $basket
    and o.trade_date = (
        select max(d.trade_date),
        from microcap.fct_signal_outlook as d
        where
            d.index_code = $basket
            and d.trade_date <= $day
    )
order by o.method asc, o.price_ratio desc
