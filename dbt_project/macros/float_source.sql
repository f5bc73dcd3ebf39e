{#
    Where a float share count comes from: `reported`, estimated from volume and
    `turnover`, or the `total` count in its place. NULL without any count.
-#}
{% macro float_source(is_reported, float_shares, total_shares) -%}
    case
        when {{ is_reported }} then 'reported'
        when {{ float_shares }} is not null then 'turnover'
        when {{ total_shares }} is not null then 'total'
    end
{%- endmacro %}
