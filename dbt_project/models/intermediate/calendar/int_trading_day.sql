with calendar as (
    select
        calendar_date,
        is_open,
    from {{ ref("stg_trading_calendar") }}
),

-- A file of a few stocks that reaches further does not make a day of the market.
market_day as (
    select
        bar_count.trade_date,
        bar_count.security_count,
        count(*) as listed_count,
    from (
        select
            trade_date,
            count(*) as security_count,
        from {{ ref("stg_daily_bar") }}
        group by trade_date
    ) as bar_count
    inner join {{ ref("stg_security") }} as security
        on
            bar_count.trade_date >= security.list_date
            and (
                security.delist_date is null
                or bar_count.trade_date < security.delist_date
            )
    group by bar_count.trade_date, bar_count.security_count
),

horizon as (
    select
        max(market_day.trade_date) filter (
            where
            market_day.security_count
            >= {{ var("loaded_day_minimum_share") }} * market_day.listed_count
        ) as last_loaded_date,
        max(calendar.calendar_date) as last_calendar_date,
    from calendar
    left join market_day on calendar.calendar_date = market_day.trade_date
),

open_day as (
    select
        calendar_date as trade_date,
        -- Only to group: the week itself is named by its last trading day.
        date_trunc('week', calendar_date) as monday,
        date_trunc('month', calendar_date) as first_of_month,
        row_number() over by_date as day_index,
        lag(calendar_date) over by_date as previous_trade_date,
        lead(calendar_date) over by_date as next_trade_date,
    from calendar
    where is_open
    window by_date as (order by calendar_date)
),

exchange_week as (
    select
        monday,
        max(trade_date) as trade_week,
        lag(max(trade_date)) over (order by monday) as previous_trade_week,
        lead(max(trade_date)) over (order by monday) as next_trade_week,
    from open_day
    group by monday
),

exchange_month as (
    select
        first_of_month,
        max(trade_date) as trade_month_end,
    from open_day
    group by first_of_month
)

select
    open_day.trade_date,
    open_day.day_index,
    open_day.previous_trade_date,
    open_day.next_trade_date,
    exchange_week.trade_week,
    exchange_week.previous_trade_week,
    exchange_week.next_trade_week,
    exchange_month.trade_month_end,
    open_day.trade_date = exchange_week.trade_week as is_week_end,
    open_day.trade_date = exchange_month.trade_month_end as is_month_end,
    -- A calendar that ends inside a week or month cannot tell which day is its last.
    coalesce(
        exchange_week.trade_week <= horizon.last_loaded_date
        and open_day.monday + interval 6 day <= horizon.last_calendar_date,
        false
    ) as is_week_complete,
    coalesce(
        exchange_month.trade_month_end <= horizon.last_loaded_date
        and last_day(open_day.trade_date) <= horizon.last_calendar_date,
        false
    ) as is_month_complete,
    coalesce(open_day.trade_date <= horizon.last_loaded_date, false) as is_loaded,
from open_day
inner join exchange_week on open_day.monday = exchange_week.monday
inner join exchange_month on open_day.first_of_month = exchange_month.first_of_month
cross join horizon
