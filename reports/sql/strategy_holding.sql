select
    s.name_cn as strategy_name_cn,
    s.name_en as strategy_name_en,
    h.signal_date,
    h.execution_date,
    coalesce(i.name_cn, x.name, h.asset_code) as name_cn,
    coalesce(i.name_en, x.name, h.asset_code) as name_en,
    h.action,
from rotation.fct_rotation_holding as h
inner join core.dim_strategy as s on h.strategy_code = s.strategy_code
left join core.dim_industry as i
    on
        h.asset_code = i.industry_code
        and s.industry_system = i.industry_system
left join core.dim_security as x
    on h.asset_code = x.security_code
where
    regexp_matches(s.strategy_code, $strategies)
    and h.signal_date = (
        select max(latest.signal_date),
        from rotation.fct_rotation_holding as latest
        where
            latest.strategy_code = h.strategy_code
            and latest.signal_date <= $week
    )
order by h.strategy_code, h.action = 'out', h.rank, h.asset_code
