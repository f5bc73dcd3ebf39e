select
    i.name_cn,
    i.name_en,
    f.financing_balance_change_cny,
    f.financing_balance_cny,
    f.security_count,
    f.known_date,
from flows.fct_margin_flow_weekly as f
inner join core.dim_industry as i
    on
        f.industry_system = i.industry_system
        and f.industry_code = i.industry_code
where
    f.industry_system = $industry_system
    and f.trade_week = $week
    and f.financing_balance_change_cny is not null
order by f.financing_balance_change_cny desc, f.industry_code asc
