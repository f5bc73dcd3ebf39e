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
