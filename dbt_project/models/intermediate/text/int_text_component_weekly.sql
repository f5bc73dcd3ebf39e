{{ config(materialized="view") }}

-- Only weeks whose factors rank the pool of a month with reports: the last that ended
-- in or before it.
with ranking_week as (
    select max(week.trade_week) as trade_week,
    from {{ ref("int_trading_day") }} as month_end
    inner join {{ ref("int_trading_day") }} as week
        on
            month_end.trade_date >= week.trade_date
            and week.is_week_end
            and week.is_week_complete
    where
        month_end.is_month_end
        and month_end.is_month_complete
        and month_end.trade_date in (
            select text_factor.trade_date,
            from {{ ref("int_text_factor") }} as text_factor
        )
    group by month_end.trade_date
)

select
    component.trade_week,
    component.security_code,
    component.roe_q,
    component.ep_ttm,
    component.cash_ep,
    component.profit_growth_q,
    component.sales_growth,
    component.turnover_1m_log - component.turnover_12m_log as turnover_bias,
    component.illiquidity,
    component.log_market_cap as log_capital,
from {{ ref("int_style_factor_weekly") }} as component
where
    component.trade_week in (
        select ranking_week.trade_week,
        from ranking_week
    )
