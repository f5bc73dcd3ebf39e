-- question: What did the layers of a factor return, and the first less the last?
-- parameter: factor (text): Code of the factor, or its Chinese or English name.
-- parameter: universe (text) = 'all': all, csi300, csi500, csi1000 or microcap.
-- parameter: since (date) = date '1990-01-01': First week asked for.
-- known: factor: select unnest([f.factor_code, f.name_cn, f.name_en]) from
--     core.dim_factor as f
-- known: universe: select u.universe from factors.dim_factor_universe as u
-- column: factor_code (text): Factor.
-- column: layer (integer): Layer, 1 = highest values; NULL is the first less the last.
-- column: paper_return (number): Mean paper return of a week.
-- column: tradable_return (number): Mean return of a week from the first open.
-- column: paper_compounded (number): Paper return of all weeks, compounded.
-- column: unfillable_share (number): Mean share that could not be bought.
-- column: turnover (number): Mean two-way turnover of a week.
-- column: week_count (integer): Weeks with a return.
-- rows: some
with weekly as (
    select
        l.factor_code,
        l.layer,
        l.trade_week,
        l.paper_return,
        l.tradable_return,
        l.unfillable_share,
        l.turnover,
    from factors.fct_factor_layer_return_weekly as l
    where l.universe = $universe
    union all
    select
        s.factor_code,
        null as layer,
        s.trade_week,
        s.paper_return,
        s.tradable_return,
        s.unfillable_share,
        s.turnover,
    from factors.fct_factor_long_short_weekly as s
    where s.universe = $universe
)

select
    w.factor_code,
    w.layer,
    avg(w.paper_return) as paper_return,
    avg(w.tradable_return) as tradable_return,
    compound_return(w.paper_return) as paper_compounded,
    avg(w.unfillable_share) as unfillable_share,
    avg(w.turnover) as turnover,
    count(w.paper_return) as week_count,
from weekly as w
inner join core.dim_factor as f on w.factor_code = f.factor_code
where
    w.trade_week >= $since
    and $factor in (f.factor_code, f.name_cn, f.name_en)
group by w.factor_code, w.layer
order by w.factor_code, w.layer nulls last
