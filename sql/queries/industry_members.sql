-- question: Which stocks belong to an industry on a day, and could they be traded?
-- parameter: industry (text): Code, Chinese or English name.
-- parameter: industry_system (text) = default_industry_system(): citic1, pool32 or
--     shenwan1.
-- parameter: day (date) = latest_day(): Trading day.
-- known: industry: select unnest([i.industry_code, i.name_cn, i.name_en]) from
--     core.dim_industry as i where i.industry_system = $industry_system
-- known: industry_system: select distinct k.industry_system from
--     core.dim_industry_member as k
-- known: day: select distinct t.trade_date from core.fct_tradability_daily as t
-- column: industry_code (text): Industry.
-- column: security_code (text): Stock.
-- column: name (text): Its name, as of the load.
-- column: board (text): Board of the listing.
-- column: valid_from (date): Member since.
-- column: is_suspended (boolean): Not traded on the day.
-- column: is_st (boolean): Under special treatment on the day.
-- rows: some
select
    m.industry_code,
    m.security_code,
    s.name,
    s.board,
    m.valid_from,
    t.is_suspended,
    t.is_st,
from core.dim_industry_member as m
inner join core.dim_industry as i
    on
        m.industry_system = i.industry_system
        and m.industry_code = i.industry_code
inner join core.dim_security as s on m.security_code = s.security_code
inner join core.fct_tradability_daily as t
    on
        m.security_code = t.security_code
        and t.trade_date = $day
where
    m.industry_system = $industry_system
    and m.valid_from <= $day
    and (m.valid_to is null or m.valid_to > $day)
    and $industry in (i.industry_code, i.name_cn, i.name_en)
order by m.security_code
