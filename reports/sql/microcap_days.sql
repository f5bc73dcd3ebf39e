select
    i.trade_date,
    i.index_level,
    i.index_return,
    i.net_return,
    i.tradable_return,
    i.unfillable_share,
    i.turnover,
    i.member_count,
    i.new_member_count,
    i.left_member_count,
    i.suspended_count,
from microcap.fct_microcap_index_daily as i
inner join core.dim_trade_week as w
    on i.trade_date between w.first_day and w.last_day
where
    i.index_code = 'microcap400'
    and w.trade_week = $week
order by i.trade_date
