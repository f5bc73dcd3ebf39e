{{ config(materialized="view") }}

with fundamental as (
    select
        security_code,
        valid_from,
        period_end,
        profit_ttm_cny,
        cash_flow_ttm_cny,
        book_cny,
        long_term_debt_cny,
        debt_to_assets,
        dividend_cny,
        roe_q,
        profit_growth_q,
        sales_growth_q,
        sales_growth,
        earnings_growth,
    from {{ ref("int_fundamental_state") }}
),

measured as (
    select
        style_return.trade_week,
        style_return.security_code,
        style_return.volatility_1y,
        style_return.excess_volatility,
        style_return.cumulative_range,
        style_return.beta,
        style_return.beta_residual_volatility,
        style_return.momentum,
        style_return.return_10d,
        style_return.non_trading_share,
        liquidity.unadjusted_price,
        liquidity.total_cap_cny,
        liquidity.log_market_cap,
        liquidity.free_float_ratio,
        liquidity.illiquidity,
        liquidity.traded_value,
        liquidity.turnover_10d_total,
        liquidity.turnover_10d_float,
        liquidity.turnover_1m_log,
        liquidity.turnover_3m_log,
        liquidity.turnover_12m_log,
    from {{ ref("int_style_return_weekly") }} as style_return
    inner join {{ ref("int_style_liquidity_weekly") }} as liquidity
        on
            style_return.trade_week = liquidity.trade_week
            and style_return.security_code = liquidity.security_code
),

with_report as (
    select
        measured.*,
        fundamental.profit_ttm_cny,
        fundamental.cash_flow_ttm_cny,
        fundamental.book_cny,
        fundamental.long_term_debt_cny,
        fundamental.debt_to_assets,
        fundamental.dividend_cny as reported_dividend_cny,
        fundamental.roe_q,
        fundamental.profit_growth_q,
        fundamental.sales_growth_q,
        fundamental.sales_growth,
        fundamental.earnings_growth,
        fundamental.period_end
        >= measured.trade_week - {{ var("style_windows").report_age_days }}
            as is_report_current,
    from measured
    asof left join fundamental
        on
            measured.security_code = fundamental.security_code
            and measured.trade_week >= fundamental.valid_from
)

select
    with_report.trade_week,
    with_report.security_code,
    with_report.volatility_1y,
    with_report.excess_volatility,
    with_report.cumulative_range,
    with_report.beta,
    with_report.beta_residual_volatility,
    with_report.momentum,
    with_report.return_10d,
    with_report.non_trading_share,
    with_report.unadjusted_price,
    with_report.log_market_cap,
    with_report.total_cap_cny * with_report.total_cap_cny as market_cap_squared,
    with_report.free_float_ratio,
    with_report.illiquidity,
    with_report.traded_value,
    with_report.turnover_10d_total,
    with_report.turnover_10d_float,
    with_report.turnover_1m_log,
    with_report.turnover_3m_log,
    with_report.turnover_12m_log,
    coalesce(
        dividend.dividend_cny,
        case
            when with_report.is_report_current then with_report.reported_dividend_cny
        end
    ) / with_report.total_cap_cny as dividend_yield,
    {% for column, expression in {
        "ep_ttm": "profit_ttm_cny / total_cap_cny",
        "cash_ep": "cash_flow_ttm_cny / total_cap_cny",
        "bp": "book_cny / total_cap_cny",
        "roe_q": "roe_q",
        "profit_growth_q": "profit_growth_q",
        "sales_growth_q": "sales_growth_q",
        "sales_growth": "sales_growth",
        "earnings_growth": "earnings_growth",
        "debt_to_assets": "debt_to_assets",
        "market_leverage": "1 + long_term_debt_cny / total_cap_cny",
        "book_leverage":
            "case when book_cny > 0 then 1 + long_term_debt_cny / book_cny end",
    }.items() -%}
    case when with_report.is_report_current then {{ expression }} end as {{ column }},
    {% endfor -%}
    forecast.expected_profit_cny,
    forecast.expected_profit_cny / with_report.total_cap_cny as forecast_ep,
    case
        when with_report.is_report_current
            then
                (forecast.expected_profit_cny - with_report.profit_ttm_cny)
                / nullif(abs(with_report.profit_ttm_cny), 0)
    end as short_growth_forecast,
    (forecast.next_expected_profit_cny - forecast.expected_profit_cny)
    / nullif(abs(forecast.expected_profit_cny), 0) as long_growth_forecast,
from with_report
left join {{ ref("int_dividend_weekly") }} as dividend
    on
        with_report.trade_week = dividend.trade_week
        and with_report.security_code = dividend.security_code
left join {{ ref("int_forecast_consensus_weekly") }} as forecast
    on
        with_report.trade_week = forecast.trade_week
        and with_report.security_code = forecast.security_code
