-- question: How many stocks of each industry closed at a limit, were suspended or under
--     special treatment on a day?
-- parameter: day (date) = latest_day(): Trading day.
-- parameter: industry_system (text) = default_industry_system(): citic1, pool32 or
--     shenwan1.
-- known: day: select distinct t.trade_date from core.fct_tradability_daily as t
-- known: industry_system: select distinct k.industry_system from
--     core.dim_industry_member as k
-- column: industry_code (text): Industry.
-- column: name_cn (text): Its Chinese name.
-- column: member_count (integer): Listed members.
-- column: closes_at_limit_up_count (integer): Closed at the upper limit, new listings
--     and special treatment included.
-- column: closes_at_limit_down_count (integer): Closed at the lower limit, likewise.
-- column: suspended_count (integer): Not traded.
-- column: st_count (integer): Under special treatment.
-- rows: some
select
    m.industry_code,
    i.name_cn,
    count(*) as member_count,
    count(*) filter (t.closes_at_limit_up) as closes_at_limit_up_count,
    count(*) filter (t.closes_at_limit_down) as closes_at_limit_down_count,
    count(*) filter (t.is_suspended) as suspended_count,
    count(*) filter (t.is_st) as st_count,
from core.fct_tradability_daily as t
inner join core.dim_industry_member as m
    on
        t.security_code = m.security_code
        and t.trade_date >= m.valid_from
        and (m.valid_to is null or t.trade_date < m.valid_to)
left join core.dim_industry as i
    on
        m.industry_system = i.industry_system
        and m.industry_code = i.industry_code
where
    t.trade_date = $day
    and m.industry_system = $industry_system
group by m.industry_code, i.name_cn
order by closes_at_limit_up_count desc, m.industry_code asc
