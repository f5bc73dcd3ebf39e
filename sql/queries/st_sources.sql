-- question: How many stocks are under special treatment on a day, and is that reported
--     or inferred from their prices?
-- parameter: day (date) = latest_day(): Trading day.
-- known: day: select distinct t.trade_date from core.fct_tradability_daily as t
-- column: board (text): Board of the listing.
-- column: st_source (text): Where the status of the stocks comes from: reported or
--     inferred.
-- column: stock_count (integer): Stocks.
-- column: st_count (integer): Of these, under special treatment.
-- rows: some
select
    s.board,
    t.st_source,
    count(*) as stock_count,
    count(*) filter (t.is_st) as st_count,
from core.fct_tradability_daily as t
inner join core.dim_security as s on t.security_code = s.security_code
where t.trade_date = $day
group by s.board, t.st_source
order by s.board, t.st_source nulls last
