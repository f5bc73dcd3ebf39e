-- question: What was published when, and which tables changed since the publication
--     before?
-- parameter: length (integer) = 10: Publications shown.
-- column: publication_id (integer): Publication.
-- column: published_at (timestamp): When, exchange time.
-- column: as_of_date (date): Last trading day loaded.
-- column: code_version (text): Version of the code.
-- column: content_hash (text): Hash over all published rows, run logs left out.
-- column: table_count (integer): Tables published.
-- column: row_count (integer): Their rows.
-- column: changed_tables (text): Tables that differ from the publication before; NULL
--     when none does, or for the first.
-- rows: some
with compared as (
    select
        t.publication_id,
        t.schema_name || '.' || t.table_name as table_label,
        t.row_count,
        t.is_run_log,
        t.content_hash,
        lag(t.content_hash) over (
            partition by t.schema_name, t.table_name order by t.publication_id
        ) as former_hash,
        t.publication_id = min(t.publication_id) over () as is_first,
    from meta.meta_publication_table as t
)

select
    p.publication_id,
    p.published_at,
    p.as_of_date,
    p.code_version,
    p.content_hash,
    count(*) as table_count,
    cast(sum(c.row_count) as bigint) as row_count,
    string_agg(c.table_label, ', ' order by c.table_label) filter (
        not c.is_run_log
        and not c.is_first
        and c.content_hash is distinct from c.former_hash
    ) as changed_tables,
from meta.meta_publication as p
inner join compared as c on p.publication_id = c.publication_id
group by
    p.publication_id,
    p.published_at,
    p.as_of_date,
    p.code_version,
    p.content_hash
order by p.publication_id desc
limit $length
