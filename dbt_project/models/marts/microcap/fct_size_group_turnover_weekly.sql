{{
    config(
        materialized="incremental",
        incremental_strategy="rewrite_window",
        on_schema_change="fail",
        meta={"window_column": "trade_week"},
    )
}}

-- Ten groups of equally many shares by total market cap at the last close of the week
-- before: what is known when the week begins.
with trading_day as (
    select
        trade_date,
        trade_week,
        previous_trade_week,
        is_week_complete,
    from {{ ref("int_trading_day") }}
    where is_loaded
),

security_day as (
    select
        trade_date,
        security_code,
        total_cap_cny,
        amount_cny,
        vwap_source,
    from {{ ref("int_security_day") }}
    -- A week needs the last close of the week before.
    where {{ in_build_window("trade_date", lookback_days=10) }}
),

week as (
    select
        trade_week,
        previous_trade_week,
    from trading_day
    where
        is_week_complete
        and {{ in_build_window("trade_week") }}
    group by trade_week, previous_trade_week
),

sized as (
    select
        week.trade_week,
        security_day.security_code,
        security_day.total_cap_cny,
        ntile(10) over (
            partition by week.trade_week
            order by security_day.total_cap_cny asc, security_day.security_code asc
        ) as size_group,
    from security_day
    inner join week on security_day.trade_date = week.previous_trade_week
    where security_day.total_cap_cny is not null
),

traded as (
    select
        trading_day.trade_week,
        security_day.security_code,
        sum(cast(security_day.amount_cny as decimal(38, 4))) as traded_value,
        sum(cast(security_day.amount_cny as decimal(38, 4))) filter (
            where security_day.vwap_source = 'estimate'
        ) as estimated_value,
    from security_day
    inner join trading_day on security_day.trade_date = trading_day.trade_date
    where
        trading_day.is_week_complete
        and security_day.amount_cny is not null
    group by trading_day.trade_week, security_day.security_code
),

grouped as (
    select
        sized.trade_week,
        sized.size_group,
        count(*) as stock_count,
        count(traded.security_code) as traded_count,
        min(sized.total_cap_cny) as lowest_cap_cny,
        max(sized.total_cap_cny) as highest_cap_cny,
        cast(coalesce(sum(traded.traded_value), 0) as double) as traded_value_cny,
        cast(coalesce(sum(traded.estimated_value), 0) as double)
            as estimated_value_cny,
    from sized
    left join
        traded
        on
            sized.trade_week = traded.trade_week
            and sized.security_code = traded.security_code
    group by sized.trade_week, sized.size_group
),

compared as (
    select
        *,
        {{ exact_total("traded_value_cny", "trade_week") }} as market_value_cny,
    from grouped
)

select
    cast(trade_week as date) as trade_week,
    cast(size_group as integer) as size_group,
    cast({{ safe_divide("traded_value_cny", "market_value_cny") }} as double)
        as turnover_share,
    cast(traded_value_cny as double) as traded_value_cny,
    cast({{ safe_divide("estimated_value_cny", "traded_value_cny") }} as double)
        as estimated_share,
    cast(stock_count as integer) as stock_count,
    cast(traded_count as integer) as traded_count,
    cast(lowest_cap_cny as double) as lowest_cap_cny,
    cast(highest_cap_cny as double) as highest_cap_cny,
from compared
