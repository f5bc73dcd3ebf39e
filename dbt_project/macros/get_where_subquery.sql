{#
    What a data test reads of its model. `where: __build_window__` stands for the rows of
    the build window by trade_date, `__build_weeks__` for those by trade_week: tests of the
    long panels need not read again what has not changed.
-#}
{% macro get_where_subquery(relation) -%}
    {%- set where = config.get("where", "") -%}
    {%- if where -%}
        {%- set where = where | replace(
            "__build_window__", in_build_window("trade_date")
        ) | replace("__build_weeks__", in_build_window("trade_week")) -%}
        (select * from {{ relation }} where {{ where }}) as in_question
    {%- else -%}
        {{ relation }}
    {%- endif -%}
{%- endmacro %}
