with edge (
    table_schema, table_name, table_kind, parent_schema, parent_name, parent_kind
) as (
    values
    {%- if execute %}
    {%- set rows = [] %}
    {%- for node in described_nodes() if node.resource_type != "source" %}
        {%- for parent_id in node.depends_on.nodes | sort %}
            {%- set parent = graph.nodes.get(parent_id) or graph.sources[parent_id] %}
            {%- do rows.append(
                "('" ~ node.schema ~ "', '" ~ node.name ~ "', '"
                ~ node.resource_type ~ "', '" ~ parent.schema ~ "', '"
                ~ parent.name ~ "', '" ~ parent.resource_type ~ "')"
            ) %}
        {%- endfor %}
    {%- endfor %}
    {{ rows | join(",\n    ") }}
    {%- else %}
    (null, null, null, null, null, null)
    {%- endif %}
)

select
    cast(table_schema as varchar) as table_schema,
    cast(table_name as varchar) as table_name,
    cast(table_kind as varchar) as table_kind,
    cast(parent_schema as varchar) as parent_schema,
    cast(parent_name as varchar) as parent_name,
    cast(parent_kind as varchar) as parent_kind,
from edge
