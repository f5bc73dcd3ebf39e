{{
    config(
        materialized="incremental",
        incremental_strategy="rewrite_window",
        on_schema_change="fail",
        meta={"window_column": "trade_week"},
    )
}}

{%- set days = var("high_frequency_mean_days") %}
{%- set minimum = var("high_frequency_minimum_share") * days %}

with trading_day as (
    select
        trade_date,
        day_index,
    from {{ ref("int_trading_day") }}
),

evaluated_week as (
    select
        trade_week,
        day_index,
    from {{ ref("int_trading_day") }}
    where
        is_week_end
        and is_week_complete
        and {{ in_build_window("trade_week") }}
),

-- Each day with the weeks whose means it enters.
day_of_mean as (
    select
        trading_day.trade_date,
        evaluated_week.trade_week,
    from evaluated_week
    inner join trading_day
        on
            trading_day.day_index
            between evaluated_week.day_index - {{ days - 1 }}
            and evaluated_week.day_index
),

daily as (
    select
        trade_date,
        security_code,
        {% for factor in high_frequency_factors() -%}
        {{ factor }},
        {% endfor %}
    from {{ ref("int_high_frequency_factor_daily") }}
    where {{ in_build_window("trade_date", lookback_days=days) }}
)

select
    day_of_mean.trade_week,
    daily.security_code,
    {% for factor in high_frequency_factors() -%}
    {{ mean_of_days("daily." ~ factor, minimum) }} as {{ factor }},
    {% endfor %}
from day_of_mean
inner join daily on day_of_mean.trade_date = daily.trade_date
group by day_of_mean.trade_week, daily.security_code
