{# Codes of the style factors: columns of int_style_factor_weekly, rows of the seed. -#}
{% macro style_factor_codes() -%}
    {{ return([
        "volatility_1y",
        "residual_volatility",
        "beta",
        "log_market_cap",
        "nonlinear_size",
        "nonlinear_size_orthogonal",
        "market_cap_squared",
        "illiquidity",
        "non_trading_share",
        "liquidity",
        "momentum",
        "return_10d",
        "turnover_10d_total",
        "turnover_10d_float",
        "traded_value",
        "free_float_ratio",
        "unadjusted_price",
        "ep_ttm",
        "bp",
        "dividend_yield",
        "roe_q",
        "profit_growth_q",
        "growth",
        "leverage",
        "leverage_cne5",
        "earnings_yield",
        "expected_profit",
    ]) }}
{%- endmacro %}

{#
    Composite style factors: weight of each component, a column of
    int_style_component_weekly. Barra's CNE5, and China Post's own leverage.
-#}
{% macro style_composites() -%}
    {{ return({
        "residual_volatility": {
            "excess_volatility": 0.74,
            "cumulative_range": 0.16,
            "beta_residual_volatility": 0.10,
        },
        "liquidity": {
            "turnover_1m_log": 0.35,
            "turnover_3m_log": 0.35,
            "turnover_12m_log": 0.30,
        },
        "growth": {
            "sales_growth": 0.47,
            "earnings_growth": 0.24,
            "long_growth_forecast": 0.18,
            "short_growth_forecast": 0.11,
        },
        "leverage": {
            "market_leverage": 0.38,
            "book_leverage": 0.35,
            "debt_to_assets": 0.27,
        },
        "leverage_cne5": {
            "market_leverage": 0.38,
            "debt_to_assets": 0.35,
            "book_leverage": 0.27,
        },
        "earnings_yield": {
            "forecast_ep": 0.68,
            "cash_ep": 0.21,
            "ep_ttm": 0.11,
        },
    }) }}
{%- endmacro %}

{# Columns standardised before they are weighted or regressed on, each once. -#}
{% macro style_standardised() -%}
    {%- set columns = ["beta", "log_market_cap", "expected_profit_cny"] -%}
    {%- for components in style_composites().values() -%}
        {%- for component in components if component not in columns -%}
            {%- do columns.append(component) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(columns) }}
{%- endmacro %}

{#
    Rows before its own at which a row's frame of the last `days` exchange days begins,
    the panel having a row for each day; `until` is where the frame ends. Only week ends
    are asked for: the other rows get a frame of one row, which costs nothing.
-#}
{% macro frame_start(days, until=0) -%}
    case when is_evaluated then {{ days - 1 }} else {{ until }} end
{%- endmacro %}

{#
    Exact sum over a frame, as a double: of whole numbers of 1e-`scale`, which have 128
    bits. A decimal number would be the same, and takes eighty times as long to become a
    double.
-#}
{% macro frame_sum(expression, scale, frame) -%}
    cast(sum(cast(({{ expression }}) * 1e{{ scale }} as hugeint)) over {{ frame }} as double)
    / 1e{{ scale }}
{%- endmacro %}

{# The same where every day of the frame is known, else NULL. -#}
{% macro whole_frame_sum(column, days, frame) -%}
    case
        when count({{ column }}) over {{ frame }} = {{ days }}
            then {{ frame_sum(column, 18, frame) }}
    end
{%- endmacro %}

{# The newest version of a line of the accounts that is stated. -#}
{% macro newest_known(column, known_date) -%}
    arg_max({{ column }}, {{ known_date }}) filter (where {{ column }} is not null)
{%- endmacro %}

{#
    The weighted mean of the components of a composite, each a z-score. A component that
    is missing leaves its weight to the others; below half of the weight the rest would
    be another factor under this one's name: NULL.
-#}
{% macro composite(components) -%}
    {%- set present = [] -%}
    {%- set weighted = [] -%}
    {%- for component, weight in components.items() -%}
        {%- do present.append(
            "if(" ~ component ~ " is null, 0, " ~ weight ~ ")"
        ) -%}
        {%- do weighted.append(weight ~ " * coalesce(" ~ component ~ ", 0)") -%}
    {%- endfor -%}
    case
        when {{ present | join(" + ") }} >= 0.5
            then ({{ weighted | join(" + ") }}) / ({{ present | join(" + ") }})
    end
{%- endmacro %}

{# Raw columns on which factors depend, as the seed's column `inputs` writes them. -#}
{% macro factor_inputs() -%}
    {{ return({
        "daily_bar": ["close_cny", "volume_shares", "amount_cny"],
        "share_capital": ["total_shares", "free_float_shares"],
        "corporate_action": ["cash_dividend_cny"],
        "forecast": ["net_profit_cny"],
        "model_score": ["score"],
        "analyst_report": ["title"],
        "minute_bar": ["close_cny", "volume_shares"],
        "fundamental": [
            "market_cap_cny",
            "pe_ratio",
            "pb_ratio",
            "ps_ratio",
            "dividend_yield",
            "return_on_equity",
            "debt_to_assets",
            "revenue_cny",
            "net_profit_cny",
            "operating_cash_flow_cny",
            "total_liabilities_cny",
            "long_term_debt_cny",
            "book_equity_cny",
        ],
    }) }}
{%- endmacro %}
