select
    cast(model_code as varchar) as model_code,
    cast(trade_week as date) as trade_week,
    cast(factor_code as varchar) as factor_code,
    cast(weight as double) as weight,
    cast(ic_week_count as integer) as ic_week_count,
    cast(reason as varchar) as reason,
from {{ ref("int_factor_blend_weight_weekly") }}
