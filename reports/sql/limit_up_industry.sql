with in_week as (
    select
        f.industry_system,
        f.industry_code,
        f.trade_date,
        f.limit_up_count,
        max(f.limit_up_count) over (
            partition by f.industry_code
        ) as highest_count,
    from flows.fct_limit_up_daily as f
    inner join core.dim_trade_week as w
        on f.trade_date between w.first_day and w.last_day
    where
        f.industry_system = $industry_system
        and f.industry_code <> 'all'
        and w.trade_week = $week
)

select
    i.name_cn,
    i.name_en,
    l.trade_date,
    l.limit_up_count,
from in_week as l
inner join core.dim_industry as i
    on
        l.industry_system = i.industry_system
        and l.industry_code = i.industry_code
where l.highest_count > 0
order by l.highest_count desc, l.industry_code asc, l.trade_date asc
