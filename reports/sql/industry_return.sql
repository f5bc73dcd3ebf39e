select
    i.name_cn,
    i.name_en,
    r.float_cap_return,
    r.equal_weight_return,
    r.overnight_return,
    r.intraday_return,
    r.member_count,
from industry.fct_industry_return_weekly as r
inner join core.dim_industry as i
    on
        r.industry_system = i.industry_system
        and r.industry_code = i.industry_code
where
    r.industry_system = $industry_system
    and r.trade_week = $week
    and r.float_cap_return is not null
order by r.float_cap_return desc, r.industry_code asc
