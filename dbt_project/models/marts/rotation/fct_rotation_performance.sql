-- 242 trading days are a year (methodology 0). In a period below minimum_days, what is
-- annualised would be noise and stays NULL.
{% set days_per_year = 242 %}
{% set minimum_days = 20 %}

with daily as (
    select
        strategy_code,
        trade_date,
        strategy_return,
        benchmark_return,
        excess_return,
        cost,
        turnover,
        is_rebalance,
    from {{ ref("fct_rotation_return_daily") }}
),

weekly as (
    select
        strategy_code,
        trade_week,
        strategy_return,
        excess_return,
    from {{ ref("fct_rotation_return_weekly") }}
),

trading_day as (
    select
        trade_date,
        trade_week,
    from {{ ref("int_trading_day") }}
),

last_day as (
    select
        strategy_code,
        max(trade_date) as last_date,
    from daily
    group by strategy_code
),

last_week as (
    select
        strategy_code,
        max(trade_week) as last_trade_week,
    from weekly
    group by strategy_code
),

dated as (
    select
        daily.strategy_code,
        daily.trade_date,
        trading_day.trade_week,
        last_day.last_date,
        last_week.last_trade_week,
    from daily
    inner join trading_day on daily.trade_date = trading_day.trade_date
    inner join last_day on daily.strategy_code = last_day.strategy_code
    left join last_week on daily.strategy_code = last_week.strategy_code
),

period_day as (
    select
        strategy_code,
        trade_date,
        'all' as period,
    from dated
    union all
    select
        strategy_code,
        trade_date,
        cast(year(trade_date) as varchar) as period,
    from dated
    union all
    select
        strategy_code,
        trade_date,
        'year_to_date' as period,
    from dated
    where year(trade_date) = year(last_date)
    union all
    select
        strategy_code,
        trade_date,
        'month_to_date' as period,
    from dated
    where date_trunc('month', trade_date) = date_trunc('month', last_date)
    union all
    select
        strategy_code,
        trade_date,
        'week' as period,
    from dated
    where trade_week = last_trade_week
),

period_return as (
    select
        period_day.strategy_code,
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
            period_day.strategy_code = daily.strategy_code
            and period_day.trade_date = daily.trade_date
),

-- Net values start from 1 before the first day, so a loss on it is a drawdown.
net_value as (
    select
        *,
        exp(
            sum(strategy_log) over (
                partition by strategy_code, period
                order by trade_date asc
                rows between unbounded preceding and current row
            )
        ) as strategy_value,
        exp(
            sum(excess_log) over (
                partition by strategy_code, period
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
                partition by strategy_code, period
                order by trade_date asc
                rows between unbounded preceding and current row
            )
        ) as drawdown,
        1 - excess_value / greatest(
            1,
            max(excess_value) over (
                partition by strategy_code, period
                order by trade_date asc
                rows between unbounded preceding and current row
            )
        ) as drawdown_of_excess,
    from net_value
),

summed as (
    select
        strategy_code,
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
    group by strategy_code, period
),

period_week as (
    select
        summed.strategy_code,
        summed.period,
        count(*) as week_count,
        {{ exact_mean("weekly.strategy_return", 15) }} as weekly_average_return,
        {{ exact_mean("weekly.excess_return", 15) }} as weekly_average_excess_return,
        count(*) filter (where weekly.excess_return > 0) / count(*) as win_rate,
    from summed
    inner join
        weekly
        on
            summed.strategy_code = weekly.strategy_code
            and weekly.trade_week between summed.first_date and summed.last_date
    group by summed.strategy_code, summed.period
),

annualised as (
    select
        strategy_code,
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
    cast(annualised.strategy_code as varchar) as strategy_code,
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
        annualised.strategy_code = period_week.strategy_code
        and annualised.period = period_week.period
