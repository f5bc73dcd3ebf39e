-- question: How many stocks have minute bars on the days of a week, how many bars are
--     missing, and why do factors not exist?
-- parameter: week (date) = latest_week(): Last trading day of the week.
-- known: week as $week: select distinct w.trade_week from core.dim_trade_week as w
-- column: trade_date (date): Trading day.
-- column: bar_minutes (integer): Length of the bars.
-- column: stock_count (integer): Stocks with a bar with a trade.
-- column: without_bar_count (integer): Stocks that traded on the day and have none.
-- column: bar_count (integer): Bars with trades in the two sessions.
-- column: missing_bar_count (integer): Bars without a trade or not loaded, of stocks
--     that have some.
-- column: tick_count (integer): Stocks whose factors of trades and orders are from
--     ticks.
-- column: null_reason (text): Why a factor does not exist, of stocks that lack one.
-- column: null_stock_count (integer): How many they are.
-- rows: any
with traded as (
    select
        t.trade_date,
        count(*) as traded_count,
    from core.fct_tradability_daily as t
    inner join core.dim_trade_week as w
        on t.trade_date between w.first_day and w.last_day
    where
        w.trade_week = $week
        and not t.is_suspended
    group by t.trade_date
),

own as (
    select
        h.trade_date,
        h.bar_minutes,
        h.null_reason,
        h.active_bar_count,
        h.source,
        count(*) over by_day as stock_count,
        cast(sum(h.active_bar_count) over by_day as bigint) as bar_count,
        cast(
            sum(240 // h.bar_minutes - h.active_bar_count) over by_day as bigint
        ) as missing_bar_count,
        count(*) filter (h.source = 'tick') over by_day as tick_count,
    from factors.fct_high_frequency_factor_daily as h
    inner join core.dim_trade_week as w
        on h.trade_date between w.first_day and w.last_day
    where w.trade_week = $week
    window by_day as (partition by h.trade_date, h.bar_minutes)
)

select
    t.trade_date,
    o.bar_minutes,
    coalesce(any_value(o.stock_count), 0) as stock_count,
    any_value(t.traded_count) - coalesce(any_value(o.stock_count), 0)
        as without_bar_count,
    coalesce(any_value(o.bar_count), 0) as bar_count,
    coalesce(any_value(o.missing_bar_count), 0) as missing_bar_count,
    coalesce(any_value(o.tick_count), 0) as tick_count,
    o.null_reason,
    count(*) filter (o.null_reason is not null) as null_stock_count,
from traded as t
left join own as o on t.trade_date = o.trade_date
group by t.trade_date, o.bar_minutes, o.null_reason
order by t.trade_date, o.bar_minutes, o.null_reason nulls first
