-- question: Into which classes of exchange-traded funds did money flow in a week, and
--     out of which?
-- parameter: week (date) = (select max(k.trade_week) from
--     flows.fct_etf_flow_class_weekly as k): Any day of the exchange week asked for.
-- parameter: length (integer) = 5: Classes on each side.
-- known: week as week_of($week): select w.trade_week from
--     flows.fct_etf_flow_class_weekly as w
-- column: side (text): top where money came in, bottom where it left.
-- column: etf_class (text): Tracked class.
-- column: net_inflow_cny (number): Net inflow of the week.
-- column: weekly_return (number): Return of the week, weighted by assets.
-- column: assets_previous_cny (number): Assets at the end of the week before.
-- column: assets_cny (number): Assets at the end of the week.
-- column: fund_count (integer): Funds of the class.
-- column: known_date (date): Trading day on which the figures are known.
-- rows: some
with ranked as (
    select
        f.*,
        row_number() over (
            order by f.net_inflow_cny desc, f.etf_class asc
        ) as place_from_top,
        row_number() over (
            order by f.net_inflow_cny asc, f.etf_class desc
        ) as place_from_bottom,
    from flows.fct_etf_flow_class_weekly as f
    where f.trade_week = week_of($week)
)

select
    case when r.net_inflow_cny > 0 then 'top' else 'bottom' end as side,
    r.etf_class,
    r.net_inflow_cny,
    r.weekly_return,
    r.assets_previous_cny,
    r.assets_cny,
    r.fund_count,
    r.known_date,
from ranked as r
where
    (r.place_from_top <= $length and r.net_inflow_cny > 0)
    or (r.place_from_bottom <= $length and r.net_inflow_cny < 0)
order by r.place_from_top
