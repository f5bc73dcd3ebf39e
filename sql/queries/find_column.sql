-- question: Which published columns have to do with a word?
-- parameter: word (text): Part of a column's name, a table's name or a description.
-- column: table_schema (text): Schema.
-- column: table_name (text): Table.
-- column: column_name (text): Column.
-- column: data_type (text): Its type.
-- column: description (text): What it holds.
-- rows: some
select
    c.table_schema,
    c.table_name,
    c.column_name,
    c.data_type,
    c.description,
from meta.meta_column as c
where
    -- Raw tables are described, and not published.
    c.table_schema <> 'raw'
    and (
        contains(lower(c.column_name), lower($word))
        or contains(lower(c.table_name), lower($word))
        or contains(lower(c.description), lower($word))
    )
order by c.table_schema, c.table_name, c.column_position
