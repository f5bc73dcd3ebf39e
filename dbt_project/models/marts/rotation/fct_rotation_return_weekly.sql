with daily as (
    select
        strategy_code,
        trade_date,
        strategy_return,
        gross_return,
        benchmark_return,
        cost,
        turnover,
    from {{ ref("fct_rotation_return_daily") }}
),

trading_day as (
    select
        trade_date,
        trade_week,
        is_week_complete,
    from {{ ref("int_trading_day") }}
),

logged as (
    select
        daily.strategy_code,
        daily.trade_date,
        trading_day.trade_week,
        trading_day.is_week_complete,
        daily.cost,
        daily.turnover,
        cast(ln(1 + daily.gross_return) as decimal(38, 18)) as gross_log,
        cast(ln(1 + daily.strategy_return) as decimal(38, 18)) as strategy_log,
        cast(ln(1 + daily.benchmark_return) as decimal(38, 18)) as benchmark_log,
    from daily
    inner join trading_day on daily.trade_date = trading_day.trade_date
),

-- Since the last trading day of the previous month and year, by the day's own date.
accumulated as (
    select
        strategy_code,
        trade_date,
        exp(
            sum(strategy_log) over (
                partition by strategy_code, date_trunc('month', trade_date)
                order by trade_date asc
                rows between unbounded preceding and current row
            )
        ) - 1 as month_to_date_return,
        exp(
            sum(benchmark_log) over (
                partition by strategy_code, date_trunc('month', trade_date)
                order by trade_date asc
                rows between unbounded preceding and current row
            )
        ) - 1 as month_to_date_benchmark_return,
        exp(
            sum(strategy_log) over (
                partition by strategy_code, year(trade_date)
                order by trade_date asc
                rows between unbounded preceding and current row
            )
        ) - 1 as year_to_date_return,
        exp(
            sum(benchmark_log) over (
                partition by strategy_code, year(trade_date)
                order by trade_date asc
                rows between unbounded preceding and current row
            )
        ) - 1 as year_to_date_benchmark_return,
    from logged
),

compounded_within_week as (
    select
        strategy_code,
        trade_week,
        exp(sum(strategy_log)) - 1 as strategy_return,
        exp(sum(gross_log)) - 1 as gross_return,
        exp(sum(benchmark_log)) - 1 as benchmark_return,
        {{ exact_sum("cost", 18) }} as cost,
        {{ exact_sum("turnover", 18) }} as turnover,
        count(*) as day_count,
    from logged
    where is_week_complete
    group by strategy_code, trade_week
)

select
    cast(week.strategy_code as varchar) as strategy_code,
    cast(week.trade_week as date) as trade_week,
    cast(week.strategy_return as double) as strategy_return,
    cast(week.gross_return as double) as gross_return,
    cast(week.benchmark_return as double) as benchmark_return,
    cast(week.strategy_return - week.benchmark_return as double) as excess_return,
    cast(week.cost as double) as cost,
    cast(week.turnover as double) as turnover,
    cast(accumulated.month_to_date_return as double) as month_to_date_return,
    cast(
        accumulated.month_to_date_return - accumulated.month_to_date_benchmark_return
        as double
    ) as month_to_date_excess_return,
    cast(accumulated.year_to_date_return as double) as year_to_date_return,
    cast(
        accumulated.year_to_date_return - accumulated.year_to_date_benchmark_return
        as double
    ) as year_to_date_excess_return,
    cast(week.day_count as integer) as day_count,
from compounded_within_week as week
inner join
    accumulated
    on
        week.strategy_code = accumulated.strategy_code
        and week.trade_week = accumulated.trade_date
