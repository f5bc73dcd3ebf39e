-- The published systems run on the Wind micro-cap index, of which microcap400 is the
-- construction. What a source states of all years is of its last complete week.
{%- set index_code = "microcap400" %}

with whole_period as (
    {{ whole_period_return_weekly() }}
),

whole_year as (
    {{ whole_year_performance() }}
),

week_end as (
    select
        trade_date,
        lag(trade_date) over (order by trade_date) as previous_week_end,
    from {{ ref("int_trading_day") }}
    where
        is_loaded
        and is_week_end
        and is_week_complete
),

last_week as (
    select max(week_end.trade_date) as trade_date,
    from week_end
),

index_level as (
    select
        trade_date,
        index_level,
    from {{ ref("fct_microcap_index_daily") }}
    where
        index_code = '{{ index_code }}'
        and index_level is not null
),

-- The sources state no first day: a month, a quarter and a year go back to the same day
-- of the calendar.
period as (
    select
        'weekly_return' as metric,
        week_end.trade_date,
        week_end.previous_week_end as start_date,
    from week_end
    {% for metric, months in [
        ("monthly_return", 1), ("quarterly_return", 3), ("one_year_return", 12)
    ] -%}
    union all
    select
        '{{ metric }}' as metric,
        week_end.trade_date,
        cast(week_end.trade_date - interval {{ months }} month as date) as start_date,
    from week_end
    {% endfor -%}
    union all
    select
        'ytd_return' as metric,
        week_end.trade_date,
        make_date(year(week_end.trade_date) - 1, 12, 31) as start_date,
    from week_end
),

index_return as (
    select
        'wind_microcap_index' as system,
        period.metric,
        period.trade_date as as_of_date,
        end_level.index_level / start_level.index_level - 1 as own_value,
    from period
    inner join index_level as end_level on period.trade_date = end_level.trade_date
    asof inner join
        index_level as start_level
        on period.start_date >= start_level.trade_date
),

diffusion as (
    select
        trade_date,
        diffusion_index,
    from {{ ref("fct_microcap_diffusion_daily") }}
    where index_code = '{{ index_code }}'
),

diffusion_value as (
    select
        'microcap_diffusion_index' as system,
        'diffusion_index_value' as metric,
        diffusion.trade_date as as_of_date,
        diffusion.diffusion_index as own_value,
    from diffusion
    semi join week_end on diffusion.trade_date = week_end.trade_date
    union all
    select
        'microcap_diffusion_index' as system,
        'critical_grid_value_ratio0.95_T15' as metric,
        cell.trade_date as as_of_date,
        cell.diffusion_index as own_value,
    from {{ ref("fct_microcap_critical_grid") }} as cell
    semi join week_end on cell.trade_date = week_end.trade_date
    where
        cell.index_code = '{{ index_code }}'
        and cell.lookback_days = 15
        and cell.price_ratio = 0.95
),

-- On every day, for a published signal may be of a day on which ours did not fire.
signal_value as (
    {% for method in ["first_threshold", "delayed_threshold"] -%}
    {% for side, action in [("entry", "enter"), ("exit", "exit")] -%}
    select
        'microcap_diffusion_index' as system,
        '{{ method }}_signal_value_{{ side }}' as metric,
        diffusion.trade_date as as_of_date,
        diffusion.diffusion_index as own_value,
        fired.trade_date is not null as is_signal,
    from diffusion
    left join {{ ref("fct_microcap_signal") }} as fired
        on
            diffusion.trade_date = fired.trade_date
            and fired.index_code = '{{ index_code }}'
            and fired.method = '{{ method }}'
            and fired.action = '{{ action }}'
    {% if not loop.last -%}
    union all
    {% endif -%}
    {% endfor -%}
    {% if not loop.last -%}
    union all
    {% endif -%}
    {% endfor -%}
),

-- The published backtests trade at the signal's close.
timing_value as (
    {% for metric, measure in {
        "annualized_return_high_of_3_methods": "max(annualised_return)",
        "annualized_return_low_of_3_methods": "min(annualised_return)",
        "max_drawdown_upper_bound_of_3_methods": "max(max_drawdown)",
        "max_drawdown_dual_ma":
            "max(max_drawdown) filter (where method = 'dual_moving_average')",
        "sharpe_highest_of_3_methods": "max(sharpe)",
    }.items() -%}
    select
        'microcap_diffusion_timing' as system,
        '{{ metric }}' as metric,
        {{ measure }} as own_value,
    from {{ ref("fct_microcap_timing_performance") }}
    where
        index_code = '{{ index_code }}'
        and method <> 'index'
        and variant = 'paper'
        and period = 'all'
    {% if not loop.last -%}
    union all
    {% endif -%}
    {% endfor -%}
),

calendar_value as (
    {% for metric, measure in [
        ("mean_return_february", "mean_return"), ("win_rate_february", "win_rate")
    ] -%}
    select
        'calendar_effect' as system,
        '{{ metric }}' as metric,
        {{ measure }} as own_value,
    from {{ ref("fct_calendar_effect") }}
    where
        index_code = '{{ index_code }}'
        and effect = 'month'
        and bucket = 2
    {% if not loop.last -%}
    union all
    {% endif -%}
    {% endfor -%}
),

value_of_index as (
    select
        system,
        metric,
        as_of_date,
        own_value,
        cast(null as boolean) as is_signal,
    from index_return
    union all
    select
        system,
        metric,
        as_of_date,
        own_value,
        null as is_signal,
    from diffusion_value
    union all
    select
        system,
        metric,
        as_of_date,
        own_value,
        is_signal,
    from signal_value
    union all
    select
        timing_value.system,
        timing_value.metric,
        last_week.trade_date as as_of_date,
        timing_value.own_value,
        null as is_signal,
    from timing_value
    cross join last_week
    union all
    select
        calendar_value.system,
        calendar_value.metric,
        last_week.trade_date as as_of_date,
        calendar_value.own_value,
        null as is_signal,
    from calendar_value
    cross join last_week
),

factor_value as (
    select
        'rank_ic_week' as metric,
        factor_code,
        trade_week,
        rank_ic as own_value,
    from {{ ref("fct_microcap_factor_ic_weekly") }}
    union all
    select
        'rank_ic_historical_mean' as metric,
        factor_code,
        trade_week,
        historical_mean_ic as own_value,
    from {{ ref("fct_microcap_factor_ic_weekly") }}
),

low_volatility_week as (
    select
        trade_week,
        excess_return,
        year_to_date_return,
    from whole_period
    where strategy_code = 'low_volatility_50_paper'
),

low_volatility_value as (
    select
        'weekly_excess_return' as metric,
        trade_week as as_of_date,
        excess_return as own_value,
    from low_volatility_week
    union all
    select
        'ytd_return' as metric,
        trade_week as as_of_date,
        year_to_date_return as own_value,
    from low_volatility_week
    {% for metric, measure in [
        ("annual_return_2024", "total_return"),
        ("annual_excess_return_2024", "excess_return"),
    ] -%}
    union all
    select
        '{{ metric }}' as metric,
        make_date(2024, 12, 31) as as_of_date,
        {{ measure }} as own_value,
    from whole_year
    where
        strategy_code = 'low_volatility_50_paper'
        and calendar_year = 2024
    {% endfor -%}
),

own_value as (
    select
        system,
        metric,
        '{{ index_code }}' as subject_code,
        as_of_date,
        own_value,
        is_signal,
    from value_of_index
    union all
    select
        'microcap_factor' as system,
        metric,
        factor_code as subject_code,
        trade_week as as_of_date,
        own_value,
        null as is_signal,
    from factor_value
    union all
    select
        'smallcap_lowvol50' as system,
        metric,
        'strategy' as subject_code,
        as_of_date,
        own_value,
        null as is_signal,
    from low_volatility_value
)

select
    cast(system as varchar) as system,
    cast(metric as varchar) as metric,
    cast(subject_code as varchar) as subject_code,
    cast(as_of_date as date) as as_of_date,
    cast(own_value as double) as own_value,
    cast(is_signal as boolean) as is_signal,
    'the 400 smallest by total cap, without ST' as basis,
from own_value
where own_value is not null
