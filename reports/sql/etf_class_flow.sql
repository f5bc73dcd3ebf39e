select
    f.etf_class,
    f.net_inflow_cny,
    f.weekly_return,
    f.assets_previous_cny,
    f.assets_cny,
    f.fund_count,
    f.known_date,
from flows.fct_etf_flow_class_weekly as f
where f.trade_week = $week
order by f.net_inflow_cny desc nulls last, f.etf_class asc
