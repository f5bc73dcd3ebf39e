{#
    The dictionary is read from the project itself, so it cannot differ from it. A column
    that may go from NULL to a value later says so in its meta: `change: closes_later`.
-#}
with described (
    table_schema, table_name, column_position, column_name, data_type, key_position,
    time_class, description
) as (
    values
    {%- if execute %}
    {%- set rows = [] %}
    {%- set keys = table_keys() %}
    {%- for node in described_nodes()
        if node.schema == "raw" or node.schema not in inner_schemas() %}
        {%- for column in node.columns.values() %}
            {%- set closes_later = (
                (column.config.meta or column.meta or {}).change == "closes_later"
                or column.name in (node.config.meta.closes_later or [])
            ) %}
            {%- set key = keys.get(node.unique_id, []) %}
            {%- do rows.append(
                "('" ~ node.schema ~ "', '" ~ node.name ~ "', " ~ loop.index ~ ", '"
                ~ column.name ~ "', " ~ text_literal(column.data_type) ~ ", "
                ~ (key.index(column.name) + 1 if column.name in key else "null") ~ ", '"
                ~ ("closes_later" if closes_later else "event") ~ "', "
                ~ text_literal(column.description) ~ ")"
            ) %}
        {%- endfor %}
    {%- endfor %}
    {{ rows | join(",\n    ") }}
    {%- else %}
    (null, null, null, null, null, null, null, null)
    {%- endif %}
)

select
    cast(table_schema as varchar) as table_schema,
    cast(table_name as varchar) as table_name,
    cast(column_position as integer) as column_position,
    cast(column_name as varchar) as column_name,
    cast(data_type as varchar) as data_type,
    cast(key_position as integer) as key_position,
    cast(time_class as varchar) as time_class,
    cast(description as varchar) as description,
from described
