with shown_week as (
    select w.trade_week,
    from core.dim_trade_week as w
    where w.trade_week <= $week
    order by w.trade_week desc
    limit 52
)

select
    f.trade_week,
    f.financing_balance_change_cny,
    f.financing_balance_cny,
    f.balance_source,
from flows.fct_margin_flow_weekly as f
inner join shown_week as w on f.trade_week = w.trade_week
where
    f.industry_system = $industry_system
    and f.industry_code = 'all'
    and f.financing_balance_change_cny is not null
order by f.trade_week
