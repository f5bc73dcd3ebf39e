select
    p.publication_id,
    p.published_at,
    p.as_of_date,
    p.code_version,
    left(p.content_hash, 12) as content_hash,
from meta.meta_publication as p
order by p.publication_id desc
limit 20
