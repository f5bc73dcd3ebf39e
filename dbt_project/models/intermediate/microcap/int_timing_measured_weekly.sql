{{ config(materialized="view") }}

with compounded_within_week as (
    select
        daily.index_code,
        daily.method,
        daily.variant,
        trading_day.trade_week,
        exp(sum(cast(ln(1 + daily.strategy_return) as decimal(38, 18)))) - 1
            as strategy_return,
        exp(sum(cast(ln(1 + daily.benchmark_return) as decimal(38, 18)))) - 1
            as benchmark_return,
    from {{ ref("int_timing_measured_daily") }} as daily
    inner join {{ ref("int_trading_day") }} as trading_day
        on daily.trade_date = trading_day.trade_date
    where trading_day.is_week_complete
    group by
        daily.index_code, daily.method, daily.variant, trading_day.trade_week
)

select
    index_code,
    method,
    variant,
    trade_week,
    strategy_return,
    strategy_return - benchmark_return as excess_return,
from compounded_within_week
