select
    cast(index_code as varchar) as index_code,
    cast(trade_date as date) as trade_date,
    cast(diffusion_index as double) as diffusion_index,
    cast(fast_average as double) as fast_average,
    cast(slow_average as double) as slow_average,
    cast(member_count as integer) as member_count,
    cast(compared_count as integer) as compared_count,
    cast(null_reason as varchar) as null_reason,
from {{ ref("int_basket_diffusion_daily") }}
