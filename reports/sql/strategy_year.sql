select
    s.name_cn,
    s.name_en,
    p.period,
    p.last_date,
    p.excess_return,
from rotation.fct_rotation_performance as p
inner join core.dim_strategy as s on p.strategy_code = s.strategy_code
where
    regexp_full_match(p.period, '[0-9]{4}')
    -- A year that goes on after the week belongs on the newest page only.
    and ($is_newest or p.last_date <= $week)
    and regexp_matches(s.strategy_code, $strategies)
order by p.strategy_code, p.period
