-- question: Which factors had the five best and the five worst rank ICs of a week?
-- parameter: week (date) = latest_week(): Any day of the exchange week asked for.
-- parameter: universe (text) = 'microcap': all, csi300, csi500, csi1000 or microcap.
-- known: week as week_of($week): select w.trade_week from
--     factors.fct_factor_ic_weekly as w
-- known: universe: select u.universe from factors.dim_factor_universe as u
-- column: ic_rank (integer): Rank of the IC, 1 = highest.
-- column: factor_code (text): Factor.
-- column: name_cn (text): Its Chinese name.
-- column: name_en (text): Its English name.
-- column: rank_ic (number): Rank IC of the week.
-- column: tradable_rank_ic (number): The same of what could be bought at the open.
-- column: historical_mean_ic (number): Mean rank IC up to and with the week.
-- column: stock_count (integer): Stocks that count.
-- rows: some
with ranked as (
    select
        c.factor_code,
        c.rank_ic,
        c.tradable_rank_ic,
        c.stock_count,
        rank() over (order by c.rank_ic desc) as ic_rank,
        rank() over (order by c.rank_ic) as rank_from_below,
    from factors.fct_factor_ic_weekly as c
    where
        c.trade_week = week_of($week)
        and c.universe = $universe
        and c.rank_ic is not null
),

history as (
    select
        c.factor_code,
        avg(c.rank_ic) as historical_mean_ic,
    from factors.fct_factor_ic_weekly as c
    where
        c.trade_week <= week_of($week)
        and c.universe = $universe
    group by c.factor_code
)

select
    r.ic_rank,
    r.factor_code,
    f.name_cn,
    f.name_en,
    r.rank_ic,
    r.tradable_rank_ic,
    h.historical_mean_ic,
    r.stock_count,
from ranked as r
inner join history as h on r.factor_code = h.factor_code
left join core.dim_factor as f on r.factor_code = f.factor_code
where
    r.ic_rank <= 5
    or r.rank_from_below <= 5
order by r.ic_rank, r.factor_code
