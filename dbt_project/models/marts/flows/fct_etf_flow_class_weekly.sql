with weekly as (
    select
        etf_code,
        etf_class,
        trade_week,
        known_date,
        net_inflow_cny,
        assets_previous_cny,
        assets_cny,
        weekly_return,
        identity_inflow_cny,
    from {{ ref("fct_etf_flow_weekly") }}
),

summed_by_class as (
    select
        etf_class,
        trade_week,
        max(known_date) as known_date,
        count(*) as fund_count,
        {{ exact_sum("net_inflow_cny", 4) }} as net_inflow_cny,
        {{ exact_sum("assets_previous_cny", 4) }} as assets_previous_cny,
        {{ exact_sum("assets_cny", 4) }} as assets_cny,
        {{ exact_sum("identity_inflow_cny", 4) }} as identity_inflow_cny,
        {{ exact_sum("assets_previous_cny * weekly_return", 4) }} as gain_cny,
    from weekly
    group by etf_class, trade_week
)

select
    cast(etf_class as varchar) as etf_class,
    cast(trade_week as date) as trade_week,
    cast(known_date as date) as known_date,
    cast(net_inflow_cny as double) as net_inflow_cny,
    cast(assets_previous_cny as double) as assets_previous_cny,
    cast(assets_cny as double) as assets_cny,
    cast(
        {{ safe_divide("gain_cny", "assets_previous_cny") }} as double
    ) as weekly_return,
    cast(identity_inflow_cny as double) as identity_inflow_cny,
    cast(fund_count as bigint) as fund_count,
from summed_by_class
