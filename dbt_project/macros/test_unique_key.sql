{#
    Rows that share a key, or lack a part of it. In a windowed build only the rows of the
    window are read: the others have not changed.
-#}
{% test unique_key(model, columns) -%}
    select
        {{ columns | join(", ") }},
        count(*) as row_count,
    from {{ model }}
    group by {{ columns | join(", ") }}
    having
        count(*) > 1
        {%- for column in columns %}
        or {{ column }} is null
        {%- endfor %}
{%- endtest %}
