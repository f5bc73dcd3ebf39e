{#
    Sum of doubles that does not depend on the order of the rows. Two threads add doubles
    in another order each time, and the last bits differ; integers of 1e-scale do not.
    They have 128 bits: 64 end at caps of 1e14 CNY, and one bad share count would stop
    every build. `condition` restricts the rows.
-#}
{% macro exact_sum(expression, scale, condition=none) -%}
    cast(
        sum(cast({{ expression }} as decimal(38, {{ scale }})))
        {%- if condition %} filter (where {{ condition }}){% endif %} as double
    )
{%- endmacro %}

{# Mean of doubles that does not depend on the order of the rows. -#}
{% macro exact_mean(expression, scale) -%}
    {{ exact_sum(expression, scale) }} / nullif(count({{ expression }}), 0)
{%- endmacro %}

{#
    Compounded return of a column of returns, multiplied in the order of `order_column`;
    NULL returns are passed over, and without any the result is NULL.
-#}
{% macro compound(return_column, order_column) -%}
    list_product(
        list(1 + {{ return_column }} order by {{ order_column }})
            filter (where {{ return_column }} is not null)
    ) - 1
{%- endmacro %}

{# Ratio that is NULL where the denominator is zero. -#}
{% macro safe_divide(numerator, denominator) -%}
    {{ numerator }} / nullif({{ denominator }}, 0)
{%- endmacro %}
