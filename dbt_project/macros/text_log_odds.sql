{# Logarithm of the odds of a class; a probability of none or all stays a number. -#}
{% macro text_log_odds(probability) -%}
    ln(
        greatest({{ probability }}, 1e-6) / greatest(1 - {{ probability }}, 1e-6)
    )
{%- endmacro %}

{#
    Components of the composite that ranks the stocks of the base pool, with their signs;
    columns of int_text_component_weekly. Of the published list two are left out: the
    change of shares per holder, as no raw table has the number of holders, and the
    closing auction's share, which neither daily bars nor the 27 factors of minutes tell.
-#}
{% macro text_composite_signs() -%}
    {{ return({
        "roe_q": 1,
        "ep_ttm": 1,
        "cash_ep": 1,
        "profit_growth_q": 1,
        "sales_growth_q": 1,
        "weighted_return_1m": -1,
        "weighted_return_12m": -1,
        "turnover_bias": -1,
        "illiquidity": 1,
        "log_capital": -1,
    }) }}
{%- endmacro %}
