{%- set window = var("style_windows") %}
{%- set month = window.month_days %}
{%- set year = 12 * month %}

-- Only weeks whose factors rank the pool of a month with reports: the last that ended
-- in or before it.
with ranking_week as (
    select
        max(week.trade_week) as trade_week,
        max(week.day_index) as day_index,
    from {{ ref("int_trading_day") }} as month_end
    inner join {{ ref("int_trading_day") }} as week
        on
            month_end.trade_date >= week.trade_date
            and week.is_week_end
            and week.is_week_complete
    where
        month_end.is_month_end
        and month_end.is_month_complete
        and month_end.trade_date in (
            select text_factor.trade_date,
            from {{ ref("int_text_factor") }} as text_factor
        )
    group by month_end.trade_date
),

-- Returns by turnover; neither is known of a suspended day.
panel as (
    select
        security_day.security_code,
        security_day.trade_date,
        security_day.day_index,
        security_day.trade_date in (
            select ranking_week.trade_week,
            from ranking_week
        ) as is_evaluated,
        case
            when
                not security_day.is_suspended
                -- A price a thousand times the last one is an error of the data.
                and abs(security_day.daily_return) < 1000
                then
                    security_day.daily_return * security_day.volume_shares
                    / nullif(security_day.float_shares, 0)
        end as turnover_return,
    from {{ ref("int_security_day") }} as security_day
    where
        security_day.day_index > (
            select min(ranking_week.day_index) - {{ year }},
            from ranking_week
        )
),

framed as (
    select
        *,
        {{ frame_start(month) }} as month_start,
        {{ frame_start(year) }} as year_start,
    from panel
),

-- The days of a week's year side by side, the newest first and zeros for what is not
-- there: a sum has the same numbers in the same order however much is built.
past_days as (
    select
        trade_date as trade_week,
        security_code,
        count(turnover_return) over past_month as month_count,
        count(turnover_return) over past_year as year_count,
        list_resize(
            list(coalesce(turnover_return, 0)) over past_year, {{ year }}, 0
        ) as turnover_returns,
    from framed
    window
        past_month as (
            partition by security_code
            order by day_index desc
            rows between current row and month_start following
        ),
        past_year as (
            partition by security_code
            order by day_index desc
            rows between current row and year_start following
        )
    qualify is_evaluated
),

decay as (
    select
        list(exp(-day.age / 4) order by day.age asc) filter (
            where day.age < {{ month }}
        ) as month_weights,
        list(exp(-day.age / 48) order by day.age asc) as year_weights,
    from range({{ year }}) as day (age)
),

weighted_return as (
    select
        past_days.trade_week,
        past_days.security_code,
        case
            when past_days.month_count >= {{ window.minimum_share }} * {{ month }}
                then
                    list_inner_product(
                        list_slice(past_days.turnover_returns, 1, {{ month }}),
                        decay.month_weights
                    ) / past_days.month_count
        end as weighted_return_1m,
        case
            when past_days.year_count >= {{ window.minimum_share }} * {{ year }}
                then
                    list_inner_product(
                        past_days.turnover_returns, decay.year_weights
                    ) / past_days.year_count
        end as weighted_return_12m,
    from past_days
    cross join decay
)

select
    component.trade_week,
    component.security_code,
    component.roe_q,
    component.ep_ttm,
    component.cash_ep,
    component.profit_growth_q,
    component.sales_growth_q,
    weighted_return.weighted_return_1m,
    weighted_return.weighted_return_12m,
    component.turnover_1m_log - component.turnover_12m_log as turnover_bias,
    component.illiquidity,
    component.log_market_cap as log_capital,
from {{ ref("int_style_factor_weekly") }} as component
left join weighted_return
    on
        component.trade_week = weighted_return.trade_week
        and component.security_code = weighted_return.security_code
where
    component.trade_week in (
        select ranking_week.trade_week,
        from ranking_week
    )
