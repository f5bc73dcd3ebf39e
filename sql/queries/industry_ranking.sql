-- question: Which industries rose and fell most in a week?
-- parameter: week (date) = latest_week(): Any day of the exchange week asked for.
-- parameter: industry_system (text) = default_industry_system(): citic1, pool32 or
--     shenwan1.
-- known: week as week_of($week): select w.trade_week from
--     industry.fct_industry_return_weekly as w
-- known: industry_system: select distinct k.industry_system from
--     industry.fct_industry_return_weekly as k
-- column: return_rank (integer): Rank by cap-weighted return, 1 = highest.
-- column: industry_code (text): Industry.
-- column: name_cn (text): Its Chinese name.
-- column: name_en (text): Its English name.
-- column: float_cap_return (number): Cap-weighted return of the week.
-- column: equal_weight_return (number): Equal-weighted return of the week.
-- column: overnight_return (number): Close to open, compounded.
-- column: intraday_return (number): Open to close, compounded.
-- column: member_count (integer): Members at the week's end.
-- column: weight_source (text): float, total or mixed caps.
-- rows: some
select
    rank() over (order by r.float_cap_return desc nulls last) as return_rank,
    r.industry_code,
    i.name_cn,
    i.name_en,
    r.float_cap_return,
    r.equal_weight_return,
    r.overnight_return,
    r.intraday_return,
    r.member_count,
    r.weight_source,
from industry.fct_industry_return_weekly as r
left join core.dim_industry as i
    on
        r.industry_system = i.industry_system
        and r.industry_code = i.industry_code
where
    r.industry_system = $industry_system
    and r.trade_week = week_of($week)
order by return_rank, r.industry_code
