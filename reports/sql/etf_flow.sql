with ranked as (
    select
        f.*,
        row_number() over (
            order by f.net_inflow_cny desc, f.etf_code asc
        ) as place_from_top,
        row_number() over (
            order by f.net_inflow_cny asc, f.etf_code desc
        ) as place_from_bottom,
    from flows.fct_etf_flow_weekly as f
    where f.trade_week = $week and f.net_inflow_cny is not null
)

select
    -- In a week of outflows alone nothing flows in, however few the funds are.
    if(r.net_inflow_cny > 0, 'inflow', 'outflow') as side,
    r.etf_code,
    e.name,
    r.etf_class,
    r.net_inflow_cny,
    r.weekly_return,
    r.assets_previous_cny,
    r.assets_cny,
    r.known_date,
from ranked as r
left join flows.dim_etf as e on r.etf_code = e.etf_code
where
    (r.place_from_top <= 5 and r.net_inflow_cny > 0)
    or (r.place_from_bottom <= 5 and r.net_inflow_cny < 0)
order by r.place_from_top
