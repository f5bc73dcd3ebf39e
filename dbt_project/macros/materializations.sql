{#
    Tables and views take the place of their former version in one transaction. The
    adapter's own way, a second name, two renames and a drop in a transaction of its own,
    costs as much as the query of a small table; dbt falls back on it for what is not here.
    Hooks, grants, indexes and foreign keys, which it also serves, are not used.
-#}
{% materialization table, adapter="duckdb" -%}
    {{ return(replace_relation(this.incorporate(type="table"))) }}
{%- endmaterialization %}

{% materialization view, adapter="duckdb" -%}
    {{ return(replace_relation(this.incorporate(type="view"))) }}
{%- endmaterialization %}

{% macro replace_relation(relation) -%}
    {%- set former = load_cached_relation(relation) -%}
    {%- call statement("main") -%}
        {%- if former is not none %}
        drop {{ former.type }} if exists {{ former }};
        {%- endif %}
        {%- if relation.is_view %}
        {{ get_create_view_as_sql(relation, sql) }}
        {%- else %}
        {{ create_table_as(False, relation, compiled_code) }}
        {%- endif %}
    {%- endcall -%}
    {% do persist_docs(relation, model) %}
    {% do adapter.commit() %}
    {{ return({"relations": [relation]}) }}
{%- endmacro %}

{# Comments on the documented columns; one that does not exist fails the model. -#}
{% macro duckdb__alter_column_comment(relation, column_dict) -%}
    {% for column in column_dict.values() -%}
    comment on column {{ relation }}.{{ column.name }}
    is {{ duckdb_escape_comment(column.description) }};
    {% endfor %}
{%- endmacro %}
