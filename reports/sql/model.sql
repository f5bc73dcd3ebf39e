select
    m.name_cn,
    m.name_en,
    m.label,
    m.first_trade_week,
    m.last_trade_week,
    m.is_available,
    m.unavailable_reason,
from core.dim_model as m
order by m.model_group, m.model_code
