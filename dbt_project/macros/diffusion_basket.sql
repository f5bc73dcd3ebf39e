{# A parameter of a basket: its own entry, else the default of all. -#}
{% macro basket_parameter(basket, name) -%}
    {{ return(basket.get(name, var("timing_defaults").get(name))) }}
{%- endmacro %}

{# The parameter as an expression over a column with the basket's code. -#}
{% macro parameter_of(index_code, name) -%}
    case {{ index_code }}
        {% for basket in var("diffusion_baskets") -%}
        {% set value = basket_parameter(basket, name) -%}
        when '{{ basket.index_code }}'
            then {% if value is string %}'{{ value }}'{% else %}{{ value }}{% endif %}
        {% endfor -%}
    end
{%- endmacro %}

{# The values that a parameter takes, each once. -#}
{% macro parameter_values(name) -%}
    {%- set values = [] -%}
    {%- for basket in var("diffusion_baskets") -%}
        {%- set value = basket_parameter(basket, name) -%}
        {%- if value not in values -%}{%- do values.append(value) -%}{%- endif -%}
    {%- endfor -%}
    {{ return(values) }}
{%- endmacro %}

{# Codes of the baskets, as a list of SQL literals. -#}
{% macro basket_codes() -%}
    {%- for basket in var("diffusion_baskets") -%}
        '{{ basket.index_code }}'{% if not loop.last %}, {% endif %}
    {%- endfor -%}
{%- endmacro %}

{#
    Sum of a share over the last `days` rows of a basket, exact, in the order of
    `order_column`; NULL until there are so many.
-#}
{% macro moving_share_sum(column, days, partition, order_column) -%}
    {%- set frame -%}
    (
        partition by {{ partition }}
        order by {{ order_column }}
        rows between {{ days - 1 }} preceding and current row
    )
    {%- endset -%}
    case
        when count({{ column }}) over {{ frame }} = {{ days }}
            then sum(cast({{ column }} as decimal(18, 15))) over {{ frame }}
    end
{%- endmacro %}

{# Mean of a share over the last `days` rows of a basket. -#}
{% macro moving_share_mean(column, days, partition, order_column) -%}
    cast(
        {{ moving_share_sum(column, days, partition, order_column) }} as double
    ) / {{ days }}
{%- endmacro %}

{#
    Whether one average lies above another. Averages of the same shares over different
    numbers of days differ in their last bits where they are equal: below a trillionth a
    difference is arithmetic.
-#}
{% macro is_above(average, other) -%}
    {{ average }} - {{ other }} > 1e-12
{%- endmacro %}
