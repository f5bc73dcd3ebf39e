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

{#
    What weights by float cap are, of the members counted and of those whose total count
    stands in for the float.
-#}
{% macro weight_source(total_count, count) -%}
    case
        when {{ count }} = 0 then null
        when {{ total_count }} = 0 then 'float'
        when {{ total_count }} = {{ count }} then 'total'
        else 'mixed'
    end
{%- endmacro %}
