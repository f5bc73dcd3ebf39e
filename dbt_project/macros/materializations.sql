{#
    Tables and views take the place of their former version in one transaction. The
    adapter's own way, a second name, two renames and a drop in a transaction of its own,
    costs as much as the query of a small table; dbt falls back on it for what is not here.
    Hooks, grants, indexes, foreign keys and comments, which it also serves, are not used:
    the publication comments on what is read.
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
    {% do adapter.commit() %}
    {{ return({"relations": [relation]}) }}
{%- endmacro %}
