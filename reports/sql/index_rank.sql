select
    r.return_rank,
    -- Ours has names in both languages.
    if(r.index_code = 'microcap400', r.index_code, r.index_name) as index_name,
    r.is_microcap,
    r.weekly_return,
    r.month_to_date_return,
    r.month_to_date_rank,
    r.year_to_date_return,
    r.year_to_date_rank,
from microcap.fct_index_rank_weekly as r
where r.trade_week = $week
order by r.return_rank nulls last, r.index_code
