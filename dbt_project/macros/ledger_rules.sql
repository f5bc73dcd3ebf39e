{# Market rules that the ledger switches off, one at a time; `none`: all hold. -#}
{% macro ledger_rules() -%}
    {{ return(
        ["none", "limits", "suspension", "st", "delisting", "cost", "next_open"]
    ) }}
{%- endmacro %}
