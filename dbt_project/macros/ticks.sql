{# Price in whole ticks of 0.01 CNY: limits are made and compared in integers. -#}
{% macro ticks(price) -%}
    cast(round(100 * {{ price }}) as bigint)
{%- endmacro %}

{#
    Limit price in ticks: reference x (100 + percent) / 100, rounded half up, at least one
    tick away from the reference and never below one tick. `percent` is positive for
    both directions.
-#}
{% macro limit_ticks(reference_ticks, percent, direction) -%}
    {%- if direction == "up" -%}
    greatest(
        ({{ reference_ticks }} * (100 + {{ percent }}) + 50) // 100,
        {{ reference_ticks }} + 1
    )
    {%- else -%}
    greatest(
        least(
            ({{ reference_ticks }} * (100 - {{ percent }}) + 50) // 100,
            {{ reference_ticks }} - 1
        ),
        1
    )
    {%- endif -%}
{%- endmacro %}
