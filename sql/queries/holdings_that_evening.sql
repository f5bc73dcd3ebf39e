-- question: What did a strategy hold, by what was published on an evening?
-- parameter: evening (timestamp) = (select max(p.published_at) from
--     meta.meta_publication as p): Exchange time; a date means the end of that day.
-- parameter: strategy (text) = default_strategy(): Code of the strategy.
-- known: strategy: select s.strategy_code from core.dim_strategy as s
-- column: publication_id (integer): Publication in force.
-- column: published_at (timestamp): When it was published.
-- column: signal_date (date): Last signal in it.
-- column: execution_date (date): Day on which it is traded.
-- column: action (text): in, hold or out.
-- column: asset_code (text): Industry or index.
-- column: weight (number): Target weight.
-- column: rank (integer): Rank of its score at the signal.
-- rows: some
with said as (
    select
        a.signal_date,
        a.execution_date,
        a.action,
        a.asset_code,
        a.weight,
        a.rank,
    from archive.rotation_holding_as_published($evening) as a
    where a.strategy_code = $strategy
)

select
    p.publication_id,
    p.published_at,
    s.signal_date,
    s.execution_date,
    s.action,
    s.asset_code,
    s.weight,
    s.rank,
from said as s
cross join archive.as_published($evening) as p
where s.signal_date = (select max(n.signal_date), from said as n)
order by s.weight = 0, s.rank nulls last, s.asset_code
