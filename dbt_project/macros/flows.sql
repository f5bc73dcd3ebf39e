{#
    Money that came into a fund between two closes, seen from its assets alone: what is
    there now less what was there before, grown by the return of a share. The daily sum of
    share changes is the flow; this is what it is checked against.
-#}
{% macro identity_inflow(assets, assets_previous, share_return) -%}
    {{ assets }} - {{ assets_previous }} * (1 + {{ share_return }})
{%- endmacro %}

{# The code that stands for the whole market, once in every industry system. -#}
{% macro market_code() -%} 'all' {%- endmacro %}

{#
    What one share has become by a split, from the jump of the adjustment factor. The
    factor is a quotient of prices that are rounded to the tick (5.002 for 5 for 1), so
    the nearest whole or half number is meant, or one over it; a jump that is near none
    stays as it is.
-#}
{% macro whole_split_ratio(jump) -%}
    {%- set size = "greatest(" ~ jump ~ ", 1 / " ~ jump ~ ")" -%}
    {%- set whole = "round(2 * " ~ size ~ ") / 2" -%}
    case
        when abs({{ size }} / ({{ whole }}) - 1) > {{ var("etf_split_tolerance") }}
            then {{ jump }}
        when {{ jump }} > 1 then {{ whole }}
        else 1 / ({{ whole }})
    end
{%- endmacro %}
