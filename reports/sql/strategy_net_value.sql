with compounded as (
    select
        r.strategy_code,
        r.trade_date,
        exp(sum(ln(1 + r.strategy_return)) over so_far) as net_value,
        exp(sum(ln(1 + r.excess_return)) over so_far) as excess_net_value,
    from rotation.fct_rotation_return_daily as r
    inner join core.dim_strategy as s on r.strategy_code = s.strategy_code
    where r.trade_date <= $week and regexp_matches(s.strategy_code, $strategies)
    window
        so_far as (
            partition by r.strategy_code
            order by r.trade_date
            rows between unbounded preceding and current row
        )
),

below_high as (
    select
        c.strategy_code,
        c.trade_date,
        c.net_value,
        c.excess_net_value,
        c.net_value / greatest(1, max(c.net_value) over so_far) - 1 as drawdown,
    from compounded as c
    window
        so_far as (
            partition by c.strategy_code
            order by c.trade_date
            rows between unbounded preceding and current row
        )
)

select
    s.name_cn,
    s.name_en,
    w.trade_week,
    arg_max(b.net_value, b.trade_date) as net_value,
    arg_max(b.excess_net_value, b.trade_date) as excess_net_value,
    min(b.drawdown) as drawdown,
from below_high as b
inner join core.dim_trade_week as w
    on b.trade_date between w.first_day and w.last_day
inner join core.dim_strategy as s on b.strategy_code = s.strategy_code
group by s.strategy_code, s.name_cn, s.name_en, w.trade_week
order by s.strategy_code, w.trade_week
