-- A new score is one more branch; what is NULL is not ranked.
with diffusion_index as (
    select
        industry_system,
        industry_code,
        trade_date,
        variant,
        diffusion_index
    from {{ ref("fct_diffusion_index_daily") }}
)

select
    'diffusion_index' as score_source,
    variant,
    'industry' as asset_type,
    industry_system as asset_pool,
    industry_code as asset_code,
    trade_date as signal_date,
    diffusion_index as score
from diffusion_index
where diffusion_index is not null
