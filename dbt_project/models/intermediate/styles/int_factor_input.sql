{%- for table, columns in factor_inputs().items() %}
{%- set outer = loop %}
{%- for column in columns %}
{{ "union all" if not (outer.first and loop.first) }}
select
    '{{ table }}.{{ column }}' as input_name,
    exists (
        select {{ column }},
        from {{ ref("stg_" ~ table) }}
        where {{ column }} is not null
    ) as is_loaded,
{%- endfor %}
{%- endfor %}
