{# Schemas that only the builder sees; all others are published. -#}
{% macro inner_schemas() -%}
    {{ return(["raw", "seeds", "staging", "intermediate"]) }}
{%- endmacro %}

{# A text as an SQL literal, on one line; NULL where there is none. -#}
{% macro text_literal(text) -%}
    {%- if text -%}
        '{{ text.split() | join(" ") | replace("'", "''") }}'
    {%- else -%}
        cast(null as varchar)
    {%- endif -%}
{%- endmacro %}

{# Nodes of the project in the order of their schema and name, sources included. -#}
{% macro described_nodes() -%}
    {%- set nodes = [] -%}
    {%- for node in graph.nodes.values() if node.resource_type in ["model", "seed"] -%}
        {%- do nodes.append(node) -%}
    {%- endfor -%}
    {%- for node in graph.sources.values() -%}
        {%- do nodes.append(node) -%}
    {%- endfor -%}
    {{ return(nodes | sort(attribute="schema,name")) }}
{%- endmacro %}

{#
    Columns of the key by node: those that a test of uniqueness names, or the raw table's
    declaration.
-#}
{% macro table_keys() -%}
    {%- set keys = {} -%}
    {%- for source in graph.sources.values() -%}
        {%- set meta = source.config.meta or source.meta -%}
        {%- do keys.update({source.unique_id: meta.key or []}) -%}
    {%- endfor -%}
    {%- for node in graph.nodes.values()
        if node.resource_type == "test" and node.test_metadata -%}
        {%- if node.test_metadata.name == "unique_key" -%}
            {%- do keys.update({node.attached_node: node.test_metadata.kwargs.columns}) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(keys) }}
{%- endmacro %}
