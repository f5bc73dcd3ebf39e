-- question: Which tables are published, how many rows has each, and how many more than
--     last time?
-- column: schema_name (text): Schema.
-- column: table_name (text): Table.
-- column: row_count (integer): Rows now.
-- column: more_rows (integer): Rows more than in the publication before; NULL where it
--     did not have the table.
-- column: description (text): What the table holds.
-- rows: some
with newest as (
    select max(p.publication_id) as publication_id,
    from meta.meta_publication as p
)

select
    t.schema_name,
    t.table_name,
    t.row_count,
    t.row_count - f.row_count as more_rows,
    d.comment as description,
from meta.meta_publication_table as t
inner join newest as n on t.publication_id = n.publication_id
left join meta.meta_publication_table as f
    on
        f.publication_id = n.publication_id - 1
        and t.schema_name = f.schema_name
        and t.table_name = f.table_name
left join duckdb_tables() as d
    on
        t.schema_name = d.schema_name
        and t.table_name = d.table_name
        and d.database_name = current_database()
order by t.schema_name, t.table_name
