-- question: How many stocks closed at their limits on each day of a market or an
--     industry, and how long was the longest run?
-- parameter: industry (text) = 'all': Code of the industry, or all.
-- parameter: since (date) = date '1990-01-01': First day asked for.
-- known: industry: select distinct k.industry_code from
--     flows.fct_limit_up_daily as k
-- column: trade_date (date): Trading day.
-- column: trade_week (date): Its exchange week.
-- column: limit_up_count (integer): Closed at the upper limit.
-- column: limit_down_count (integer): Closed at the lower limit.
-- column: longest_run (integer): Longest run at the upper limit alive on the day.
-- column: first_day_count (integer): Stocks on the first day of their run.
-- column: second_day_count (integer): On the second.
-- column: third_day_count (integer): On the third.
-- column: later_day_count (integer): On a later one.
-- column: week_limit_up_count (integer): Closes at the upper limit in it so far.
-- column: week_limit_down_count (integer): Closes at the lower limit in it so far.
-- column: week_longest_run (integer): Longest run in the week so far.
-- rows: some
with chosen_system as (
    select min(k.industry_system) as industry_system,
    from flows.fct_limit_up_daily as k
    where k.industry_code = $industry
),

-- Before days are chosen: the week so far begins on its first day.
counted as (
    select
        d.trade_date,
        w.trade_week,
        d.limit_up_count,
        d.limit_down_count,
        d.longest_run,
        d.first_day_count,
        d.second_day_count,
        d.third_day_count,
        d.later_day_count,
        cast(sum(d.limit_up_count) over week_so_far as bigint) as week_limit_up_count,
        cast(
            sum(d.limit_down_count) over week_so_far as bigint
        ) as week_limit_down_count,
        max(d.longest_run) over week_so_far as week_longest_run,
    from flows.fct_limit_up_daily as d
    inner join chosen_system as c on d.industry_system = c.industry_system
    inner join core.dim_trade_week as w
        on d.trade_date between w.first_day and w.last_day
    where d.industry_code = $industry
    window
        week_so_far as (
            partition by w.trade_week
            order by d.trade_date
            rows between unbounded preceding and current row
        )
)

select
    c.trade_date,
    c.trade_week,
    c.limit_up_count,
    c.limit_down_count,
    c.longest_run,
    c.first_day_count,
    c.second_day_count,
    c.third_day_count,
    c.later_day_count,
    c.week_limit_up_count,
    c.week_limit_down_count,
    c.week_longest_run,
from counted as c
where c.trade_date >= $since
order by c.trade_date
