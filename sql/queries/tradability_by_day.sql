-- question: How many stocks were suspended, at a limit or under special treatment on
--     each of the past days?
-- parameter: day (date) = latest_day(): Last day shown.
-- parameter: length (integer) = 20: Calendar days shown.
-- column: trade_date (date): Trading day.
-- column: listed_count (integer): Listed stocks.
-- column: suspended_count (integer): Not traded.
-- column: limit_up_count (integer): Closed at the upper limit.
-- column: opened_at_limit_up_count (integer): Opened at the upper limit.
-- column: limit_down_count (integer): Closed at the lower limit.
-- column: st_count (integer): Under special treatment.
-- rows: some
select
    t.trade_date,
    count(*) as listed_count,
    count(*) filter (t.is_suspended) as suspended_count,
    count(*) filter (t.closes_at_limit_up) as limit_up_count,
    count(*) filter (t.opens_at_limit_up) as opened_at_limit_up_count,
    count(*) filter (t.closes_at_limit_down) as limit_down_count,
    count(*) filter (t.is_st) as st_count,
from core.fct_tradability_daily as t
where
    t.trade_date <= $day
    and t.trade_date > $day - cast($length as integer)
group by t.trade_date
order by t.trade_date desc
