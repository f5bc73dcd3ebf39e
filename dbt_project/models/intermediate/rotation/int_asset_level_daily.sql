-- Levels are logarithms, summed as decimals: a running sum of doubles depends in its
-- last bits on how many rows follow, and the past would move when days are added.
with asset_return as (
    select
        asset_type,
        asset_pool,
        asset_code,
        trade_date,
        close_return,
        overnight_return,
    from {{ ref("int_asset_return_daily") }}
),

trading_day as (
    select trade_date,
    from {{ ref("int_trading_day") }}
    where is_loaded
),

asset as (
    select
        asset_type,
        asset_pool,
        asset_code,
        min(trade_date) as first_date,
    from asset_return
    group by asset_type, asset_pool, asset_code
),

asset_day as (
    select
        asset.asset_type,
        asset.asset_pool,
        asset.asset_code,
        trading_day.trade_date,
    from asset
    inner join trading_day on asset.first_date <= trading_day.trade_date
),

-- A day without a return carries the level on.
filled as (
    select
        asset_day.asset_type,
        asset_day.asset_pool,
        asset_day.asset_code,
        asset_day.trade_date,
        coalesce(asset_return.close_return, 0) as close_return,
        coalesce(asset_return.overnight_return, 0) as overnight_return,
        asset_return.close_return is null as is_carried,
    from asset_day
    left join
        asset_return
        on
            asset_day.asset_type = asset_return.asset_type
            and asset_day.asset_pool = asset_return.asset_pool
            and asset_day.asset_code = asset_return.asset_code
            and asset_day.trade_date = asset_return.trade_date
),

logged as (
    select
        asset_type,
        asset_pool,
        asset_code,
        trade_date,
        -- A total loss has no logarithm: a billionth is left.
        cast(
            ln(greatest(1 + close_return, 1e-9)) as decimal(38, 18)
        ) as log_close_return,
        cast(
            ln(greatest(1 + overnight_return, 1e-9)) as decimal(38, 18)
        ) as log_overnight_return,
        is_carried,
    from filled
),

levelled as (
    select
        asset_type,
        asset_pool,
        asset_code,
        trade_date,
        sum(log_close_return) over (
            partition by asset_type, asset_pool, asset_code
            order by trade_date asc
            rows between unbounded preceding and current row
        ) as log_close,
        log_close_return,
        log_overnight_return,
        is_carried,
    from logged
)

select
    asset_type,
    asset_pool,
    asset_code,
    trade_date,
    log_close,
    log_close - log_close_return + log_overnight_return as log_open,
    is_carried,
from levelled
union all
-- Stocks have prices: their levels need no sum of returns.
select
    asset_type,
    asset_pool,
    asset_code,
    trade_date,
    log_close,
    log_open,
    is_carried,
from {{ ref("int_stock_level_daily") }}
