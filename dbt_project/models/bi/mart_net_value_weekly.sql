{{ config(meta={"dated_by": "trade_week"}) }}

with trading_day as (
    select
        trade_date,
        trade_week,
        is_week_complete,
    from {{ ref("int_trading_day") }}
),

curve_day as (
    select
        strategy_code as curve_code,
        'strategy' as kind,
        strategy_code,
        null as index_code,
        null as method,
        null as variant,
        trade_date,
        strategy_return,
        benchmark_return,
        excess_return,
    from {{ ref("fct_rotation_return_daily") }}
    union all
    select
        concat_ws(':', index_code, method, variant) as curve_code,
        'timing' as kind,
        null as strategy_code,
        index_code,
        method,
        variant,
        trade_date,
        strategy_return,
        benchmark_return,
        excess_return,
    from {{ ref("int_timing_measured_daily") }}
),

logged as (
    select
        *,
        cast(ln(1 + strategy_return) as decimal(38, 18)) as strategy_log,
        cast(ln(1 + benchmark_return) as decimal(38, 18)) as benchmark_log,
        cast(ln(1 + excess_return) as decimal(38, 18)) as excess_log,
    from curve_day
),

-- Net values start from 1 before the first day, as in the performance tables.
compounded as (
    select
        *,
        {% for measure in ["strategy", "benchmark", "excess"] -%}
        exp(
            sum({{ measure }}_log) over (
                partition by curve_code
                order by trade_date asc
                rows between unbounded preceding and current row
            )
        ) as {{ measure }}_value,
        {% endfor -%}
    from logged
),

drawn_down as (
    select
        *,
        {% for measure in ["strategy", "excess"] -%}
        1 - {{ measure }}_value / greatest(
            1,
            max({{ measure }}_value) over (
                partition by curve_code
                order by trade_date asc
                rows between unbounded preceding and current row
            )
        ) as {{ measure }}_drawdown,
        {% endfor -%}
    from compounded
)

select
    cast(drawn_down.curve_code as varchar) as curve_code,
    cast(trading_day.trade_week as date) as trade_week,
    cast(drawn_down.kind as varchar) as kind,
    cast(drawn_down.strategy_code as varchar) as strategy_code,
    cast(drawn_down.index_code as varchar) as index_code,
    cast(drawn_down.method as varchar) as method,
    cast(drawn_down.variant as varchar) as variant,
    {% for value, name in [
        ("strategy_value", "net_value"),
        ("benchmark_value", "benchmark_value"),
        ("excess_value", "excess_value"),
        ("strategy_drawdown", "drawdown"),
        ("excess_drawdown", "excess_drawdown"),
    ] -%}
    cast(
        arg_max(drawn_down.{{ value }}, drawn_down.trade_date) as double
    ) as {{ name }},
    {% endfor -%}
    cast(max(drawn_down.strategy_drawdown) as double) as deepest_drawdown,
from drawn_down
inner join trading_day on drawn_down.trade_date = trading_day.trade_date
where trading_day.is_week_complete
group by
    drawn_down.curve_code,
    trading_day.trade_week,
    drawn_down.kind,
    drawn_down.strategy_code,
    drawn_down.index_code,
    drawn_down.method,
    drawn_down.variant
