with trading_day as (
    select
        trade_date,
        next_trade_date,
    from {{ ref("int_trading_day") }}
    where is_loaded
),

etf as (
    select
        etf_code,
        etf_class,
    from {{ ref("stg_etf") }}
),

valued as (
    select
        share.etf_code,
        share.trade_date,
        trading_day.next_trade_date,
        share.total_shares,
        bar.net_asset_value_cny,
        bar.close_cny,
        bar.adjust_factor,
        coalesce(bar.net_asset_value_cny, bar.close_cny) as price_cny,
        case
            when bar.net_asset_value_cny is null then 'close' else 'net_asset_value'
        end as price_source,
    from {{ ref("stg_etf_share") }} as share
    inner join {{ ref("stg_etf_bar") }} as bar
        on
            share.etf_code = bar.etf_code
            and share.trade_date = bar.trade_date
    inner join trading_day on share.trade_date = trading_day.trade_date
),

with_day_before as (
    select
        *,
        lag(trade_date) over by_day as previous_date,
        lag(total_shares) over by_day as previous_shares,
        lag(price_cny) over by_day as previous_price_cny,
        lag(net_asset_value_cny) over by_day as previous_net_asset_value_cny,
        lag(close_cny) over by_day as previous_close_cny,
        lag(adjust_factor) over by_day as previous_factor,
    from valued
    window by_day as (partition by etf_code order by trade_date)
),

compared as (
    select
        *,
        coalesce(adjust_factor / previous_factor, 1) as factor_ratio,
        adjust_factor is not null and previous_factor is not null as is_adjusted,
        -- Net asset values and closes differ by the premium: a return has one of them
        -- at both ends.
        coalesce(
            net_asset_value_cny / previous_net_asset_value_cny,
            close_cny / previous_close_cny
        ) as price_ratio,
    from with_day_before
),

-- A factor moves with payouts too: it is a split if the shares moved with it, which is
-- so if the split explains more of their change than no split.
split as (
    select
        *,
        case
            when
                abs(ln(factor_ratio)) >= ln({{ var("etf_split_minimum_ratio") }})
                and total_shares > 0
                and previous_shares > 0
                and abs(ln(total_shares / nullif(previous_shares, 0) / factor_ratio))
                < abs(ln(total_shares / nullif(previous_shares, 0)))
                then {{ whole_split_ratio("factor_ratio") }}
            else 1
        end as split_ratio,
    from compared
)

select
    cast(split.etf_code as varchar) as etf_code,
    cast(split.trade_date as date) as trade_date,
    cast(split.next_trade_date as date) as known_date,
    cast(split.previous_date as date) as previous_date,
    cast(coalesce(etf.etf_class, 'unclassified') as varchar) as etf_class,
    cast(
        (split.total_shares - split.previous_shares * split.split_ratio)
        * split.price_cny as double
    ) as net_inflow_cny,
    cast(
        split.previous_shares * split.previous_price_cny as double
    ) as assets_previous_cny,
    cast(split.total_shares * split.price_cny as double) as assets_cny,
    cast(
        split.price_ratio
        * case
            when split.split_ratio = 1 then split.factor_ratio
            else split.split_ratio
        end
        - 1 as double
    ) as daily_return,
    cast(split.total_shares as double) as total_shares,
    cast(
        case when split.previous_date is not null then split.split_ratio end as double
    ) as split_ratio,
    cast(split.price_cny as double) as price_cny,
    cast(split.price_source as varchar) as price_source,
    cast(split.is_adjusted as boolean) as is_adjusted,
from split
left join etf on split.etf_code = etf.etf_code
