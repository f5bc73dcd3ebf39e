{#
    The performance block (methodology 0) of daily returns, by period: all, each year, year
    and month to date, and the last complete week. `daily` names a relation with `keys`,
    trade_date, strategy_return, benchmark_return, excess_return, cost, turnover and
    is_rebalance; `weekly` one with `keys`, trade_week, strategy_return and excess_return
    of the complete weeks. Neither may hold a NULL return.

    242 trading days are a year. In a period below minimum_days, what is annualised would
    be noise and stays NULL.
-#}
{% macro performance_block(daily, weekly, keys, days_per_year=242, minimum_days=20) -%}
{%- set key_columns = keys | join(", ") -%}
with daily as (
    select
        {{ key_columns }},
        trade_date,
        strategy_return,
        benchmark_return,
        excess_return,
        cost,
        turnover,
        is_rebalance,
    from {{ daily }}
),

weekly as (
    select
        {{ key_columns }},
        trade_week,
        strategy_return,
        excess_return,
    from {{ weekly }}
),

trading_day as (
    select
        trade_date,
        trade_week,
    from {{ ref("int_trading_day") }}
),

last_day as (
    select
        {{ key_columns }},
        max(trade_date) as last_date,
    from daily
    group by {{ key_columns }}
),

last_week as (
    select
        {{ key_columns }},
        max(trade_week) as last_trade_week,
    from weekly
    group by {{ key_columns }}
),

dated as (
    select
        {{ prefixed(keys, "daily") }},
        daily.trade_date,
        trading_day.trade_week,
        last_day.last_date,
        last_week.last_trade_week,
    from daily
    inner join trading_day on daily.trade_date = trading_day.trade_date
    inner join last_day on {{ same_keys(keys, "daily", "last_day") }}
    left join last_week on {{ same_keys(keys, "daily", "last_week") }}
),

period_day as (
    select
        {{ key_columns }},
        trade_date,
        'all' as period,
    from dated
    union all
    select
        {{ key_columns }},
        trade_date,
        cast(year(trade_date) as varchar) as period,
    from dated
    union all
    select
        {{ key_columns }},
        trade_date,
        'year_to_date' as period,
    from dated
    where year(trade_date) = year(last_date)
    union all
    select
        {{ key_columns }},
        trade_date,
        'month_to_date' as period,
    from dated
    where date_trunc('month', trade_date) = date_trunc('month', last_date)
    union all
    select
        {{ key_columns }},
        trade_date,
        'week' as period,
    from dated
    where trade_week = last_trade_week
),

period_return as (
    select
        {{ prefixed(keys, "period_day") }},
        period_day.period,
        period_day.trade_date,
        daily.strategy_return,
        daily.benchmark_return,
        daily.excess_return,
        daily.cost,
        daily.turnover,
        daily.is_rebalance,
        cast(ln(1 + daily.strategy_return) as decimal(38, 18)) as strategy_log,
        cast(ln(1 + daily.benchmark_return) as decimal(38, 18)) as benchmark_log,
        cast(ln(1 + daily.excess_return) as decimal(38, 18)) as excess_log,
    from period_day
    inner join
        daily
        on
            {{ same_keys(keys, "period_day", "daily") }}
            and period_day.trade_date = daily.trade_date
),

-- Net values start from 1 before the first day, so a loss on it is a drawdown.
net_value as (
    select
        *,
        exp(
            sum(strategy_log) over (
                partition by {{ key_columns }}, period
                order by trade_date asc
                rows between unbounded preceding and current row
            )
        ) as strategy_value,
        exp(
            sum(excess_log) over (
                partition by {{ key_columns }}, period
                order by trade_date asc
                rows between unbounded preceding and current row
            )
        ) as excess_value,
    from period_return
),

drawn_down as (
    select
        *,
        1 - strategy_value / greatest(
            1,
            max(strategy_value) over (
                partition by {{ key_columns }}, period
                order by trade_date asc
                rows between unbounded preceding and current row
            )
        ) as drawdown,
        1 - excess_value / greatest(
            1,
            max(excess_value) over (
                partition by {{ key_columns }}, period
                order by trade_date asc
                rows between unbounded preceding and current row
            )
        ) as drawdown_of_excess,
    from net_value
),

summed as (
    select
        {{ key_columns }},
        period,
        min(trade_date) as first_date,
        max(trade_date) as last_date,
        count(*) as day_count,
        count(*) >= {{ minimum_days }} as is_long_enough,
        count(*) filter (where is_rebalance) as rebalance_count,
        exp(sum(strategy_log)) - 1 as total_return,
        exp(sum(benchmark_log)) - 1 as benchmark_return,
        exp(cast(sum(strategy_log) as double) * {{ days_per_year }} / count(*)) - 1
            as annualised_return,
        exp(cast(sum(benchmark_log) as double) * {{ days_per_year }} / count(*)) - 1
            as annualised_benchmark_return,
        {{ exact_stddev("strategy_return") }} * sqrt({{ days_per_year }}) as volatility,
        {{ exact_stddev("excess_return") }} * sqrt({{ days_per_year }})
            as excess_volatility,
        max(drawdown) as max_drawdown,
        max(drawdown_of_excess) as max_drawdown_of_excess,
        {{ exact_sum("cost", 18) }} as total_cost,
        {{ exact_sum("turnover", 18) }} as total_turnover
    from drawn_down
    group by {{ key_columns }}, period
),

period_week as (
    select
        {{ prefixed(keys, "summed") }},
        summed.period,
        count(*) as week_count,
        {{ exact_mean("weekly.strategy_return", 15) }} as weekly_average_return,
        {{ exact_mean("weekly.excess_return", 15) }} as weekly_average_excess_return,
        count(*) filter (where weekly.excess_return > 0) / count(*) as win_rate,
    from summed
    inner join
        weekly
        on
            {{ same_keys(keys, "summed", "weekly") }}
            and weekly.trade_week between summed.first_date and summed.last_date
    group by {{ prefixed(keys, "summed") }}, summed.period
),

annualised as (
    select
        {{ key_columns }},
        period,
        first_date,
        last_date,
        day_count,
        rebalance_count,
        total_return,
        benchmark_return,
        max_drawdown,
        max_drawdown_of_excess,
        total_cost,
        total_turnover,
        case when is_long_enough then annualised_return end as annualised_return,
        case when is_long_enough then annualised_benchmark_return end
            as annualised_benchmark_return,
        case when is_long_enough then volatility end as volatility,
        case when is_long_enough then excess_volatility end as excess_volatility,
    from summed
)

select
    {% for key in keys -%}
    cast(annualised.{{ key }} as varchar) as {{ key }},
    {% endfor -%}
    cast(annualised.period as varchar) as period,
    cast(annualised.first_date as date) as first_date,
    cast(annualised.last_date as date) as last_date,
    cast(annualised.total_return as double) as total_return,
    cast(annualised.benchmark_return as double) as benchmark_return,
    cast(annualised.total_return - annualised.benchmark_return as double)
        as excess_return,
    cast(annualised.annualised_return as double) as annualised_return,
    cast(annualised.annualised_benchmark_return as double)
        as annualised_benchmark_return,
    cast(
        annualised.annualised_return - annualised.annualised_benchmark_return as double
    ) as annualised_excess,
    cast(annualised.volatility as double) as volatility,
    cast(annualised.excess_volatility as double) as excess_volatility,
    cast(
        {{ safe_divide("annualised.annualised_return", "annualised.volatility") }}
        as double
    ) as sharpe,
    cast(
        (annualised.annualised_return - annualised.annualised_benchmark_return)
        / nullif(annualised.excess_volatility, 0)
        as double
    ) as excess_sharpe,
    cast(annualised.max_drawdown as double) as max_drawdown,
    cast(annualised.max_drawdown_of_excess as double) as max_drawdown_of_excess,
    cast(
        {{ safe_divide("annualised.annualised_return", "annualised.max_drawdown") }}
        as double
    ) as calmar,
    cast(
        {{ safe_divide("annualised.total_turnover", "annualised.rebalance_count") }}
        as double
    ) as turnover,
    cast(
        annualised.total_turnover * {{ days_per_year }} / annualised.day_count as double
    ) as annual_turnover,
    cast(annualised.total_cost as double) as cost,
    cast(period_week.win_rate as double) as win_rate,
    cast(period_week.weekly_average_return as double) as weekly_average_return,
    cast(period_week.weekly_average_excess_return as double)
        as weekly_average_excess_return,
    cast(annualised.day_count as integer) as day_count,
    cast(coalesce(period_week.week_count, 0) as integer) as week_count,
    cast(annualised.rebalance_count as integer) as rebalance_count,
from annualised
left join
    period_week
    on
        {{ same_keys(keys, "annualised", "period_week") }}
        and annualised.period = period_week.period
{%- endmacro %}

{# Key columns of one relation, for a list of columns. -#}
{% macro prefixed(keys, relation) -%}
    {%- for key in keys -%}
        {{ relation }}.{{ key }}{% if not loop.last %}, {% endif %}
    {%- endfor -%}
{%- endmacro %}

{# Condition that two relations agree in their key columns. -#}
{% macro same_keys(keys, left_relation, right_relation) -%}
    {%- for key in keys -%}
        {{ left_relation }}.{{ key }} = {{ right_relation }}.{{ key }}
        {%- if not loop.last %} and {% endif -%}
    {%- endfor -%}
{%- endmacro %}
