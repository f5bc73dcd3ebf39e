with counted as (
    select
        r.system,
        -- The days are many, and say the same.
        if(
            starts_with(r.reason, 'date not loaded'), 'date not loaded', r.reason
        ) as reason,
    from meta.meta_reconciliation as r
    where r.status = 'not_comparable'
)

select
    c.system,
    c.reason,
    count(*) as figure_count,
from counted as c
group by c.system, c.reason
order by c.system, c.reason
