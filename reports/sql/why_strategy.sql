select
    s.name_cn,
    s.name_en,
    s.unavailable_reason,
from core.dim_strategy as s
where
    not s.is_available
    and regexp_matches(s.strategy_code, $strategies)
order by s.strategy_code
