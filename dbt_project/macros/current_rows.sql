{#
    Rows of a raw table that hold: the newest version of each key, of the loads known at
    `known_at` and, if `as_of_date` is set, as if nothing later had been loaded. What a
    source says of itself (key, known_column, closes_later) comes from its meta, which is
    generated from warehouse/raw_tables.py.

    Corrections are few, so superseded rows are found by an anti join against them; a
    window over every key would sort the whole table. A day of the lake is written whole,
    so its newest file holds the newest versions only, and what was known at a time lies
    in the newest file of then.
-#}
{% macro current_rows(table_name) -%}
    {%- set relation = source("raw", table_name) -%}
    {%- set load = source("raw", "load") -%}
    {%- if execute -%}
        {%- set declaration = (
            graph.sources.values()
            | selectattr("source_name", "equalto", "raw")
            | selectattr("name", "equalto", table_name)
            | first
        ) -%}
        {%- set meta = declaration.config.meta or declaration.meta -%}
        {%- set known_at = refresh_var("known_at") -%}
        {%- set as_of_date = refresh_var("as_of_date") -%}
        select
            {%- for column in declaration.columns.values() %}
            {%- if as_of_date and column.name in meta.closes_later %}
            case
                when version.{{ column.name }} <= date '{{ as_of_date }}'
                    then version.{{ column.name }}
            end as {{ column.name }},
            {%- else %}
            version.{{ column.name }},
            {%- endif %}
            {%- endfor %}
            version.load_id
        {%- if meta.storage == "lake" %}
        from {{ lake_rows(relation, load, known_at) }} as version
        {%- else %}
        from {{ relation }} as version
        anti join (
            select
                {% for column in meta.key -%}
                {{ column }},
                {% endfor -%}
                replaces_load_id as load_id
            from {{ relation }}
            where
                replaces_load_id is not null
                {%- if known_at %}
                and {{ known_load("load_id", load, known_at) }}
                {%- endif %}
        ) as correction using ({{ meta.key | join(", ") }}, load_id)
        {%- endif %}
        {%- set conditions = [] %}
        {%- if known_at and meta.storage != "lake" %}
        {%- do conditions.append(known_load("version.load_id", load, known_at)) %}
        {%- endif %}
        {%- if as_of_date and meta.known_column %}
        {%- do conditions.append(
            "version." ~ meta.known_column
            ~ " < date '" ~ as_of_date ~ "' + interval 1 day"
        ) %}
        {%- endif %}
        {%- if conditions %}
        where {{ conditions | join(" and ") }}
        {%- endif %}
    {%- endif -%}
{%- endmacro %}

{% macro known_load(column, load, known_at) -%}
    {{ column }} in (
        select load.load_id from {{ load }} as load
        where load.loaded_at <= timestamptz '{{ known_at }}'
    )
{%- endmacro %}

{# Rows of the newest file of each day in the lake, or of the newest known at a time. -#}
{% macro lake_rows(relation, load, known_at) -%}
    {%- if not known_at -%}
        {{ relation }}
    {%- else -%}
        (
            select file_row.*
            from {{ relation.incorporate(
                path={"identifier": relation.identifier ~ "_file"}
            ) }} as file_row
            semi join (
                select file_path
                from {{ load.incorporate(path={"identifier": "lake_file"}) }}
                where
                    table_name = '{{ relation.identifier }}'
                    and {{ known_load("load_id", load, known_at) }}
                qualify row_number() over (
                    partition by trade_date order by load_id desc
                ) = 1
            ) as known_file on file_row.file_path = known_file.file_path
        )
    {%- endif -%}
{%- endmacro %}
