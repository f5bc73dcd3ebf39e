select
    g.size_group,
    g.turnover_share,
    g.traded_value_cny,
    g.estimated_share,
    g.stock_count,
    g.lowest_cap_cny,
    g.highest_cap_cny,
from microcap.fct_size_group_turnover_weekly as g
where g.trade_week = $week
order by g.size_group
