with universe as (
    {% for universe in factor_universes() -%}
    {% if not loop.first -%}
    union all
    {% endif -%}
    select
        '{{ universe }}' as universe,
        {% if universe in var("factor_index_universes") -%}
        '{{ var("factor_index_universes")[universe] }}' as index_code,
        {% elif universe == "microcap" -%}
        '{{ var("factor_microcap_index") }}' as index_code,
        {% else -%}
        cast(null as varchar) as index_code,
        {% endif -%}
    {% endfor -%}
),

week_count as (
    select
        universe,
        trade_week,
        count(*) as stock_count,
    from {{ ref("int_universe_return_weekly") }}
    group by universe, trade_week
),

counted as (
    select
        universe,
        min(trade_week) as first_week,
        max(trade_week) as last_week,
        count(*) as week_count,
        min(stock_count) as lowest_stock_count,
        max(stock_count) as highest_stock_count,
        arg_max(stock_count, trade_week) as last_stock_count,
    from week_count
    group by universe
),

market as (
    select count(distinct trade_week) as week_count,
    from week_count
),

index_loaded as (
    select index_code,
    from {{ ref("stg_index_member") }}
    group by index_code
),

judged as (
    select
        universe.universe,
        universe.index_code,
        counted.first_week,
        counted.last_week,
        coalesce(counted.week_count, 0) as week_count,
        market.week_count - coalesce(counted.week_count, 0) as missing_week_count,
        counted.lowest_stock_count,
        counted.highest_stock_count,
        counted.last_stock_count,
        case
            when counted.week_count > 0 then null
            when universe.universe in ('all', 'microcap')
                then 'history too short: no complete week has a return'
            when index_loaded.index_code is null
                then 'inputs not loaded: members of ' || universe.index_code
            else 'history too short: no complete week has members with a return'
        end as unavailable_reason,
    from universe
    cross join market
    left join counted on universe.universe = counted.universe
    left join index_loaded on universe.index_code = index_loaded.index_code
)

select
    cast(universe as varchar) as universe,
    cast(index_code as varchar) as index_code,
    cast(unavailable_reason is null as boolean) as is_available,
    cast(unavailable_reason as varchar) as unavailable_reason,
    cast(first_week as date) as first_week,
    cast(last_week as date) as last_week,
    cast(week_count as bigint) as week_count,
    cast(missing_week_count as bigint) as missing_week_count,
    cast(lowest_stock_count as bigint) as lowest_stock_count,
    cast(highest_stock_count as bigint) as highest_stock_count,
    cast(last_stock_count as bigint) as last_stock_count,
from judged
