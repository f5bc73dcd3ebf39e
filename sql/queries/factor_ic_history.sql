-- question: How did the rank IC of a factor go, week by week?
-- parameter: factor (text): Code of the factor, or its Chinese or English name.
-- parameter: universe (text) = 'all': all, csi300, csi500, csi1000 or microcap.
-- parameter: since (date) = date '1990-01-01': First week asked for.
-- known: factor: select unnest([f.factor_code, f.name_cn, f.name_en]) from
--     core.dim_factor as f
-- known: universe: select u.universe from factors.dim_factor_universe as u
-- column: trade_week (date): Week in which the return ends.
-- column: factor_code (text): Factor.
-- column: rank_ic (number): Rank IC.
-- column: cumulative_ic (number): Sum of the rank ICs since the first week asked for.
-- column: tradable_rank_ic (number): Rank IC of what could be bought at the open.
-- column: unfillable_share (number): Share of the stocks that could not.
-- column: stock_count (integer): Stocks that count.
-- column: reason (text): Why an IC is missing.
-- rows: some
select
    c.trade_week,
    c.factor_code,
    c.rank_ic,
    sum(c.rank_ic) over (
        partition by c.factor_code
        order by c.trade_week
        rows between unbounded preceding and current row
    ) as cumulative_ic,
    c.tradable_rank_ic,
    c.unfillable_share,
    c.stock_count,
    c.reason,
from factors.fct_factor_ic_weekly as c
inner join core.dim_factor as f on c.factor_code = f.factor_code
where
    c.universe = $universe
    and c.trade_week >= $since
    and $factor in (f.factor_code, f.name_cn, f.name_en)
order by c.factor_code, c.trade_week
