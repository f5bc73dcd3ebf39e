select
    cast(industry_system as varchar) as industry_system,
    cast(industry_code as varchar) as industry_code,
    cast(trade_date as date) as trade_date,
    cast(variant as varchar) as variant,
    cast(diffusion_index as double) as diffusion_index,
    cast(diffusion_rank as bigint) as diffusion_rank,
    cast(change as double) as change,
    cast(member_count as bigint) as member_count,
    cast(excluded_count as bigint) as excluded_count,
    cast(weight_source as varchar) as weight_source,
from {{ ref("int_diffusion_index_daily") }}
