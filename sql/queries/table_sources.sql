-- question: From which tables is a published table made, down to the raw ones?
-- parameter: table_name (text): Name without its schema, such as
--     fct_diffusion_index_weekly.
-- known: table_name: select distinct l.table_name from meta.meta_lineage as l
-- column: distance (integer): Steps from the table to its source.
-- column: parent_schema (text): Schema of the source.
-- column: parent_name (text): Name of the source.
-- column: parent_kind (text): source, seed or model.
-- rows: some
with recursive upstream as (
    select
        l.parent_schema,
        l.parent_name,
        l.parent_kind,
        1 as distance,
    from meta.meta_lineage as l
    where l.table_name = $table_name

    union

    select
        l.parent_schema,
        l.parent_name,
        l.parent_kind,
        u.distance + 1 as distance,
    from upstream as u
    inner join meta.meta_lineage as l
        on
            u.parent_schema = l.table_schema
            and u.parent_name = l.table_name
)

select
    min(u.distance) as distance,
    u.parent_schema,
    u.parent_name,
    u.parent_kind,
from upstream as u
group by u.parent_schema, u.parent_name, u.parent_kind
order by distance, u.parent_schema, u.parent_name
