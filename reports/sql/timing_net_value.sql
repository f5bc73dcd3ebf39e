with curve as (
    select
        t.method,
        t.trade_date,
        t.strategy_return as period_return,
    from microcap.fct_microcap_timing_daily as t
    where
        t.index_code = 'microcap400'
        and t.variant = 'tradable'
        and t.trade_date <= $week
    union all
    select
        'index' as method,
        t.trade_date,
        t.index_return as period_return,
    from microcap.fct_microcap_timing_daily as t
    where
        t.index_code = 'microcap400'
        and t.variant = 'tradable'
        and t.method = 'first_threshold'
        and t.trade_date <= $week
),

compounded as (
    select
        c.method,
        c.trade_date,
        exp(sum(ln(1 + c.period_return)) over so_far) as net_value,
    from curve as c
    where c.period_return is not null
    window
        so_far as (
            partition by c.method
            order by c.trade_date
            rows between unbounded preceding and current row
        )
),

below_high as (
    select
        c.method,
        c.trade_date,
        c.net_value,
        c.net_value / greatest(1, max(c.net_value) over so_far) - 1 as drawdown,
    from compounded as c
    window
        so_far as (
            partition by c.method
            order by c.trade_date
            rows between unbounded preceding and current row
        )
)

select
    b.method,
    w.trade_week,
    arg_max(b.net_value, b.trade_date) as net_value,
    min(b.drawdown) as drawdown,
from below_high as b
inner join core.dim_trade_week as w
    on b.trade_date between w.first_day and w.last_day
group by b.method, w.trade_week
order by b.method = 'index' desc, b.method, w.trade_week asc
