-- question: Which exchange-traded funds took in most money in a week, which lost most?
-- parameter: week (date) = (select max(k.trade_week) from
--     flows.fct_etf_flow_weekly as k): Any day of the exchange week asked for.
-- parameter: length (integer) = 5: Funds on each side.
-- known: week as week_of($week): select w.trade_week from
--     flows.fct_etf_flow_weekly as w
-- column: side (text): top where money came in, bottom where it left.
-- column: etf_code (text): Fund.
-- column: name (text): Its name.
-- column: etf_class (text): Tracked class.
-- column: net_inflow_cny (number): Net inflow of the week.
-- column: weekly_return (number): Return of the week, with payouts.
-- column: assets_previous_cny (number): Assets at the end of the week before.
-- column: assets_cny (number): Assets at the end of the week.
-- column: price_source (text): net_asset_value, close or mixed.
-- column: known_date (date): Trading day on which the figures are known.
-- rows: some
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
    where f.trade_week = week_of($week)
)

select
    case when r.net_inflow_cny > 0 then 'top' else 'bottom' end as side,
    r.etf_code,
    e.name,
    r.etf_class,
    r.net_inflow_cny,
    r.weekly_return,
    r.assets_previous_cny,
    r.assets_cny,
    r.price_source,
    r.known_date,
from ranked as r
left join flows.dim_etf as e on r.etf_code = e.etf_code
where
    (r.place_from_top <= $length and r.net_inflow_cny > 0)
    or (r.place_from_bottom <= $length and r.net_inflow_cny < 0)
order by r.place_from_top
