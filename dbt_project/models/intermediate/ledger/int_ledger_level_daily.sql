select
    asset_type,
    asset_pool,
    asset_code,
    trade_date,
    log_close,
    log_open,
    is_carried,
from {{ ref("int_asset_level_daily") }}
where asset_type <> 'stock'
union all
(
    {{ stock_level(ref("int_ledger_candidate")) | indent(4) }}
)
