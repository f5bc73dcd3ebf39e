with shown_week as (
    select
        w.trade_week,
        w.previous_week,
    from core.dim_trade_week as w
    where w.trade_week = $week
),

changed as (
    select
        'in' as action,
        m.security_code,
        m.market_cap_rank,
    from microcap.fct_microcap_member as m
    inner join shown_week as w on m.trade_date = w.trade_week
    anti join microcap.fct_microcap_member as before
        on
            w.previous_week = before.trade_date
            and m.security_code = before.security_code
    -- Without the members of the week before nobody came in.
    semi join microcap.fct_microcap_member as any_before
        on w.previous_week = any_before.trade_date
    union all
    select
        'out' as action,
        m.security_code,
        m.market_cap_rank,
    from microcap.fct_microcap_member as m
    inner join shown_week as w on m.trade_date = w.previous_week
    anti join microcap.fct_microcap_member as after_week
        on
            w.trade_week = after_week.trade_date
            and m.security_code = after_week.security_code
    semi join microcap.fct_microcap_member as any_after
        on w.trade_week = any_after.trade_date
)

select
    c.action,
    concat(coalesce(s.name, ''), ' ', c.security_code) as name,
from changed as c
left join core.dim_security as s on c.security_code = s.security_code
order by c.action, c.market_cap_rank, c.security_code
