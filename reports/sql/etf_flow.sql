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
    case when r.place_from_top <= 5 then 'top' else 'bottom' end as side,
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
where r.place_from_top <= 5 or r.place_from_bottom <= 5
order by r.place_from_top
