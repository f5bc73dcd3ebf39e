-- question: How did the net value of a strategy go, and how far was it below its high?
-- parameter: strategy (text) = default_strategy(): Code of the strategy.
-- parameter: since (date) = date '1990-01-01': First day shown; the net value counts
--     from the strategy's first day.
-- known: strategy: select s.strategy_code from core.dim_strategy as s
-- column: trade_date (date): Trading day.
-- column: net_value (number): Compounded return plus one.
-- column: benchmark_net_value (number): The benchmark's.
-- column: drawdown (number): Net value below its high so far, zero or less.
-- column: excess_drawdown (number): The same of the compounded excess.
-- rows: some
with compounded as (
    select
        r.trade_date,
        exp(sum(ln(1 + r.strategy_return)) over so_far) as net_value,
        exp(sum(ln(1 + r.benchmark_return)) over so_far) as benchmark_net_value,
        exp(sum(ln(1 + r.excess_return)) over so_far) as excess_net_value,
    from rotation.fct_rotation_return_daily as r
    where r.strategy_code = $strategy
    window
        so_far as (
            order by r.trade_date
            rows between unbounded preceding and current row
        )
),

below_high as (
    select
        c.trade_date,
        c.net_value,
        c.benchmark_net_value,
        c.net_value / greatest(1, max(c.net_value) over so_far) - 1 as drawdown,
        c.excess_net_value / greatest(1, max(c.excess_net_value) over so_far) - 1
            as excess_drawdown,
    from compounded as c
    window
        so_far as (
            order by c.trade_date
            rows between unbounded preceding and current row
        )
)

select
    b.trade_date,
    b.net_value,
    b.benchmark_net_value,
    b.drawdown,
    b.excess_drawdown,
from below_high as b
where b.trade_date >= $since
order by b.trade_date
