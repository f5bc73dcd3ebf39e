-- question: How did the micro-cap index do among the broad indices: week, month, year?
-- parameter: week (date) = latest_week(): Any day of the exchange week asked for.
-- known: week as week_of($week): select distinct k.trade_week from
--     microcap.fct_index_rank_weekly as k
-- known: week as week_of($week): select r.trade_week from
--     microcap.fct_index_rank_weekly as r
-- column: trade_week (date): Last trading day of the week.
-- column: return_rank (integer): Place by the week's return.
-- column: index_code (text): Index.
-- column: index_name (text): Its name.
-- column: weekly_return (number): Return of the week.
-- column: month_to_date_return (number): Return of the month so far.
-- column: month_to_date_rank (integer): Place by it.
-- column: year_to_date_return (number): Return of the year so far.
-- column: year_to_date_rank (integer): Place by it.
-- column: is_microcap (boolean): Whether it is the micro-cap index.
-- rows: some
select
    r.trade_week,
    r.return_rank,
    r.index_code,
    r.index_name,
    r.weekly_return,
    r.month_to_date_return,
    r.month_to_date_rank,
    r.year_to_date_return,
    r.year_to_date_rank,
    r.is_microcap,
from microcap.fct_index_rank_weekly as r
where r.trade_week = week_of($week)
order by r.return_rank, r.index_code
