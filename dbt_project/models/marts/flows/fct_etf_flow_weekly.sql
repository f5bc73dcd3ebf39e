with daily as (
    select
        etf_code,
        trade_date,
        etf_class,
        net_inflow_cny,
        assets_cny,
        daily_return,
        split_ratio,
        price_cny,
        price_source,
        is_adjusted,
    from {{ ref("fct_etf_flow_daily") }}
),

trading_day as (
    select
        trade_date,
        next_trade_date,
        trade_week,
        previous_trade_week,
        is_week_end,
    from {{ ref("int_trading_day") }}
    where is_week_complete
),

summed_by_week as (
    select
        daily.etf_code,
        trading_day.trade_week,
        {{ exact_sum("daily.net_inflow_cny", 4) }} as net_inflow_cny,
        {{ compound("daily.daily_return", "daily.trade_date") }} as weekly_return,
        list_product(
            list(daily.split_ratio order by daily.trade_date)
        ) as split_ratio,
        bool_and(daily.is_adjusted) as is_adjusted,
        min(daily.price_source) as lowest_price_source,
        max(daily.price_source) as highest_price_source,
        count(*) as day_count,
    from daily
    inner join trading_day on daily.trade_date = trading_day.trade_date
    group by daily.etf_code, trading_day.trade_week
),

-- Both ends of the week must be there: a flow between other days is not the week's.
with_ends as (
    select
        summed_by_week.*,
        week_end.next_trade_date,
        at_end.etf_class,
        at_end.assets_cny,
        at_start.assets_cny as assets_previous_cny,
        summed_by_week.split_ratio
        * at_end.price_cny / at_start.price_cny - 1 as share_return,
        least(
            summed_by_week.lowest_price_source, at_start.price_source
        ) as first_price_source,
        greatest(
            summed_by_week.highest_price_source, at_start.price_source
        ) as last_price_source,
    from summed_by_week
    inner join trading_day as week_end
        on
            summed_by_week.trade_week = week_end.trade_week
            and week_end.is_week_end
    inner join daily as at_end
        on
            summed_by_week.etf_code = at_end.etf_code
            and summed_by_week.trade_week = at_end.trade_date
    inner join daily as at_start
        on
            summed_by_week.etf_code = at_start.etf_code
            and week_end.previous_trade_week = at_start.trade_date
)

select
    cast(etf_code as varchar) as etf_code,
    cast(trade_week as date) as trade_week,
    cast(next_trade_date as date) as known_date,
    cast(etf_class as varchar) as etf_class,
    cast(net_inflow_cny as double) as net_inflow_cny,
    cast(assets_previous_cny as double) as assets_previous_cny,
    cast(assets_cny as double) as assets_cny,
    cast(weekly_return as double) as weekly_return,
    cast(
        {{ identity_inflow("assets_cny", "assets_previous_cny", "share_return") }}
        as double
    ) as identity_inflow_cny,
    cast(day_count as bigint) as day_count,
    cast(
        case
            when first_price_source = last_price_source then first_price_source
            else 'mixed'
        end as varchar
    ) as price_source,
    cast(is_adjusted as boolean) as is_adjusted,
from with_ends
