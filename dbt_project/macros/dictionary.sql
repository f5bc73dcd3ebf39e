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
