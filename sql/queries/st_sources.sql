-- question: How many stocks are under special treatment on a day, and is that reported
--     or inferred from their prices?
-- parameter: day (date) = latest_day(): Trading day.
-- column: board (text): Board of the listing.
-- column: st_source (text): reported or inferred; NULL without special treatment.
-- column: stock_count (integer): Stocks.
-- rows: some
select
    s.board,
    t.st_source,
    count(*) as stock_count
from core.fct_tradability_daily as t
inner join core.dim_security as s on t.security_code = s.security_code
where t.trade_date = $day
group by s.board, t.st_source
order by s.board, t.st_source nulls last
