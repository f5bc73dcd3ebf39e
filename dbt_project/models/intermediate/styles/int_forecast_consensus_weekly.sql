{{ config(materialized="view") }}

with week as (
    select trade_week,
    from {{ ref("int_trading_day") }}
    where
        is_week_end
        and is_week_complete
        and {{ in_build_window("trade_week") }}
),

forecast as (
    select
        report_id,
        security_code,
        coalesce(broker, report_id) as broker,
        fiscal_year,
        published_at,
        net_profit_cny,
        -- Midnight stands for an unknown time: it may have been after the close.
        cast(published_at as date) + case
            when
                cast(published_at as time) = time '00:00:00'
                or cast(published_at as time) > time '15:00:00'
                then 1
            else 0
        end as known_date,
    from {{ ref("stg_forecast") }}
    where net_profit_cny is not null
),

-- A broker's forecast holds until its next one, and not for ever.
in_force as (
    select
        security_code,
        fiscal_year,
        known_date,
        net_profit_cny,
        least(
            lead(known_date) over (
                partition by security_code, broker, fiscal_year
                order by published_at, report_id
            ),
            cast(published_at as date) + {{ var("style_windows").forecast_age_days }}
        ) as replaced_date,
    from forecast
)

select
    week.trade_week,
    in_force.security_code,
    {{
        exact_mean(
            "case when in_force.fiscal_year = year(week.trade_week) "
            "then in_force.net_profit_cny end",
            4,
        )
    }} as expected_profit_cny,
    {{
        exact_mean(
            "case when in_force.fiscal_year = year(week.trade_week) + 1 "
            "then in_force.net_profit_cny end",
            4,
        )
    }} as next_expected_profit_cny,
from week
inner join in_force
    on
        week.trade_week >= in_force.known_date
        and week.trade_week < in_force.replaced_date
group by week.trade_week, in_force.security_code
