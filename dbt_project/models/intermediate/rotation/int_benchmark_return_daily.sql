-- intraday_return is from the open to the close: what a benchmark bought at the open
-- of its first day earns on it.
with asset_return as (
    select
        asset_type,
        asset_pool,
        trade_date,
        close_return,
        overnight_return,
    from {{ ref("int_asset_return_daily") }}
)

select
    'pool_equal_weight' as benchmark,
    asset_type,
    asset_pool,
    trade_date,
    {{ exact_mean("close_return", 15) }} as close_return,
    {{ exact_mean("(1 + close_return) / (1 + overnight_return) - 1", 15) }}
        as intraday_return
from asset_return
group by asset_type, asset_pool, trade_date
