{#
    Sample standard deviation of doubles that does not depend on the order of the rows;
    NULL below two rows. Squares of returns need the longer scale.
-#}
{% macro exact_stddev(expression) -%}
    sqrt(
        greatest(
            cast(
                sum(cast(({{ expression }}) * ({{ expression }}) as decimal(38, 30)))
                as double
            )
            - power({{ exact_sum(expression, 18) }}, 2)
            / nullif(count({{ expression }}), 0),
            0
        )
        / nullif(count({{ expression }}) - 1, 0)
    )
{%- endmacro %}
