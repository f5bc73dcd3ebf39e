-- question: In which industries did margin buyers borrow most in a week, where did they
--     pay back most, and what did the market?
-- parameter: week (date) = (select max(k.trade_week) from
--     flows.fct_margin_flow_weekly as k): Any day of the exchange week asked for.
-- parameter: industry_system (text) = default_industry_system(): citic1, pool32 or
--     shenwan1.
-- parameter: length (integer) = 5: Industries on each side.
-- known: week as week_of($week): select w.trade_week from
--     flows.fct_margin_flow_weekly as w
-- known: industry_system: select distinct k.industry_system from
--     flows.fct_margin_flow_weekly as k
-- column: side (text): market; top where the balance rose, bottom where it fell.
-- column: industry_code (text): Industry, or all.
-- column: name_cn (text): Its Chinese name.
-- column: name_en (text): Its English name.
-- column: financing_balance_change_cny (number): Change over the week.
-- column: financing_balance_cny (number): Balance at the end of the week.
-- column: balance_source (text): reported, or securities for their sum.
-- column: known_date (date): Trading day on which the figures are known.
-- rows: some
with ranked as (
    select
        f.*,
        f.industry_code = 'all' as is_market,
        row_number() over (
            partition by f.industry_code = 'all'
            order by f.financing_balance_change_cny desc, f.industry_code asc
        ) as place_from_top,
        row_number() over (
            partition by f.industry_code = 'all'
            order by f.financing_balance_change_cny asc, f.industry_code desc
        ) as place_from_bottom,
    from flows.fct_margin_flow_weekly as f
    where
        f.trade_week = week_of($week)
        and f.industry_system = $industry_system
)

select
    case
        when r.is_market then 'market'
        when r.financing_balance_change_cny > 0 then 'top'
        else 'bottom'
    end as side,
    r.industry_code,
    i.name_cn,
    i.name_en,
    r.financing_balance_change_cny,
    r.financing_balance_cny,
    r.balance_source,
    r.known_date,
from ranked as r
left join core.dim_industry as i
    on
        r.industry_system = i.industry_system
        and r.industry_code = i.industry_code
where
    r.is_market
    or (r.place_from_top <= $length and r.financing_balance_change_cny > 0)
    or (r.place_from_bottom <= $length and r.financing_balance_change_cny < 0)
order by r.is_market desc, r.place_from_top asc
