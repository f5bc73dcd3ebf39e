{{ config(tags=["model_input"]) }}

with report as (
    select
        report_id,
        security_code,
        known_date,
    from {{ ref("int_report") }}
    where excluded_reason is null
),

trading_day as (
    select
        trade_date,
        previous_trade_date,
        next_trade_date,
    from {{ ref("int_trading_day") }}
    where is_loaded
),

-- The first of the benchmarks that is loaded, else the market by float cap.
index_level as (
    select
        index_code,
        trade_date,
        close,
    from {{ ref("stg_index_bar") }}
    where
        close > 0
        and index_code = (
            select bar.index_code,
            from {{ ref("stg_index_bar") }} as bar
            where bar.index_code in ('{{ var("text_benchmarks") | join("', '") }}')
            group by bar.index_code
            order by
                list_position(
                    ['{{ var("text_benchmarks") | join("', '") }}'], bar.index_code
                )
            limit 1
        )
),

market_return as (
    select
        trade_date,
        market_return,
    from {{ ref("int_market_return_daily") }}
),

panel as (
    select
        security_code,
        trade_date,
        adjusted_close,
        is_suspended,
    from {{ ref("int_security_day") }}
),

measured as (
    select
        report.report_id,
        report.known_date,
        trading_day.next_trade_date as label_end_date,
        after.adjusted_close / nullif(before.adjusted_close, 0) - 1 as stock_return,
        coalesce(index_after.index_code, 'market') as benchmark,
        case
            when index_after.index_code is not null
                then index_after.close / index_before.close - 1
            else
                (1 + market_same.market_return) * (1 + market_after.market_return) - 1
        end as benchmark_return,
    from report
    inner join trading_day on report.known_date = trading_day.trade_date
    inner join panel as before
        on
            report.security_code = before.security_code
            and trading_day.previous_trade_date = before.trade_date
    inner join panel as after
        on
            report.security_code = after.security_code
            and trading_day.next_trade_date = after.trade_date
            -- A price carried forward says nothing of the report.
            and not after.is_suspended
    left join index_level as index_before
        on trading_day.previous_trade_date = index_before.trade_date
    left join index_level as index_after
        on
            trading_day.next_trade_date = index_after.trade_date
            and index_before.index_code = index_after.index_code
    left join market_return as market_same
        on trading_day.trade_date = market_same.trade_date
    left join market_return as market_after
        on trading_day.next_trade_date = market_after.trade_date
)

select
    report_id,
    known_date,
    label_end_date,
    benchmark,
    stock_return,
    benchmark_return,
    stock_return - benchmark_return as abnormal_return,
from measured
where
    stock_return is not null
    and benchmark_return is not null
