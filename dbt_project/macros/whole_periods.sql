{#
    What a strategy's figures can be compared with. In the month and the year in which it
    began its return so far is not one of a month or a year so far: NULL. A year in which
    it began, or that is not over, is left out.
-#}
{% macro whole_period_return_weekly() -%}
with trading_day as (
    select
        trade_date,
        min(trade_date) over (partition by year(trade_date), month(trade_date))
            as month_first_date,
        min(trade_date) over (partition by year(trade_date)) as year_first_date,
    from {{ ref("int_trading_day") }}
),

strategy as (
    select
        strategy_code,
        first_date,
    from {{ ref("fct_rotation_performance") }}
    where period = 'all'
)

select
    weekly.strategy_code,
    weekly.trade_week,
    weekly.strategy_return,
    weekly.excess_return,
    {% for period in ["month", "year"] -%}
    {% for measure in ["return", "excess_return"] -%}
    case
        when strategy.first_date <= trading_day.{{ period }}_first_date
            then weekly.{{ period }}_to_date_{{ measure }}
    end as {{ period }}_to_date_{{ measure }},
    {% endfor -%}
    {% endfor -%}
from {{ ref("fct_rotation_return_weekly") }} as weekly
inner join strategy on weekly.strategy_code = strategy.strategy_code
inner join trading_day on weekly.trade_week = trading_day.trade_date
{%- endmacro %}

{% macro whole_year_performance() -%}
with calendar_year as (
    select
        year(trade_date) as calendar_year,
        min(trade_date) as first_date,
        max(trade_date) as last_date,
    from {{ ref("int_trading_day") }}
    group by year(trade_date)
)

select
    performance.strategy_code,
    calendar_year.calendar_year,
    performance.total_return,
    performance.excess_return,
from {{ ref("fct_rotation_performance") }} as performance
inner join
    calendar_year
    on
        performance.period = cast(calendar_year.calendar_year as varchar)
        and performance.first_date = calendar_year.first_date
        and performance.last_date = calendar_year.last_date
{%- endmacro %}

{# The day that a figure of all years is of. -#}
{% macro last_complete_week() -%}
select max(trade_date) as trade_date,
    from {{ ref("int_trading_day") }}
    where
        is_loaded
        and is_week_end
        and is_week_complete
{%- endmacro %}
