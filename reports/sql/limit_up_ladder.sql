select
    f.trade_date,
    f.limit_up_count,
    f.limit_down_count,
    f.longest_run,
    f.first_day_count,
    f.second_day_count,
    f.third_day_count,
    f.later_day_count,
from flows.fct_limit_up_daily as f
inner join core.dim_trade_week as w
    on f.trade_date between w.first_day and w.last_day
where
    f.industry_system = $industry_system
    and f.industry_code = 'all'
    and w.trade_week = $week
order by f.trade_date
