select
    cast(index_code as varchar) as index_code,
    cast(method as varchar) as method,
    cast(trade_date as date) as trade_date,
    cast(action as varchar) as action,
    cast(diffusion_index as double) as diffusion_index,
    cast(fast_average as double) as fast_average,
    cast(slow_average as double) as slow_average,
from {{ ref("int_timing_state_daily") }}
where action is not null
