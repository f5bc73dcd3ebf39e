-- question: Which stocks closed at the upper limit on a day, the longest runs first?
-- parameter: day (date) = latest_day(): Trading day.
-- parameter: industry_system (text) = default_industry_system(): citic1, pool32 or
--     shenwan1.
-- known: day: select distinct t.trade_date from flows.fct_limit_up_daily as t
-- known: industry_system: select distinct k.industry_system from
--     flows.fct_limit_up_daily as k
-- column: run_days (integer): Traded days in a row at the upper limit.
-- column: security_code (text): Stock.
-- column: name (text): Its name.
-- column: industry_code (text): Its industry on the day.
-- column: name_cn (text): The industry's Chinese name.
-- column: run_start_date (date): First day of the run.
-- column: is_one_price_limit (boolean): All trades of the day at the limit price.
-- rows: any
select
    l.run_days,
    l.security_code,
    s.name,
    m.industry_code,
    i.name_cn,
    l.run_start_date,
    l.is_one_price_limit,
from flows.fct_limit_up_stock_daily as l
left join core.dim_security as s on l.security_code = s.security_code
left join core.dim_industry_member as m
    on
        l.security_code = m.security_code
        and m.industry_system = $industry_system
        and l.trade_date >= m.valid_from
        and (m.valid_to is null or l.trade_date < m.valid_to)
left join core.dim_industry as i
    on
        m.industry_system = i.industry_system
        and m.industry_code = i.industry_code
where
    l.trade_date = $day
    and not l.is_listing_run
order by l.run_days desc, l.security_code asc
