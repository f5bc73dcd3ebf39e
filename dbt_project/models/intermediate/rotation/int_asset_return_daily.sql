-- A new kind of asset is one more branch. Where no open is known, overnight_return is
-- NULL and the asset can be traded at closes only.
with industry_return as (
    select
        industry_system,
        industry_code,
        trade_date,
        float_cap_return,
        overnight_return,
    from {{ ref("int_industry_return_daily") }}
)

select
    'industry' as asset_type,
    industry_system as asset_pool,
    industry_code as asset_code,
    trade_date,
    float_cap_return as close_return,
    overnight_return,
from industry_return
where float_cap_return is not null
