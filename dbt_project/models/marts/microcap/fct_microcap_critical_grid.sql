{{
    config(
        materialized="incremental",
        incremental_strategy="rewrite_window",
        on_schema_change="fail",
    )
}}

{%- set grid = var("critical_grid") %}
{%- set ratio_count = grid.highest_percent - grid.lowest_percent + 1 %}
{%- set row_count = grid.longest_days - grid.shortest_days + 1 %}

with basket_count as (
    select
        index_code,
        trade_date,
        traded_count,
        compared_counts,
        above_counts,
        {{ parameter_of("index_code", "minimum_members") }} as minimum_members,
    from {{ ref("int_basket_count_daily") }}
    where {{ in_build_window("trade_date") }}
),

grid_place as (
    select unnest(range({{ row_count * ratio_count }})) as place,
),

cell as (
    select
        basket_count.index_code,
        basket_count.trade_date,
        basket_count.traded_count,
        basket_count.minimum_members,
        grid_place.place // {{ ratio_count }} as days_ahead,
        {{ grid.highest_percent }} - grid_place.place % {{ ratio_count }}
            as price_percent,
        basket_count.compared_counts[grid_place.place // {{ ratio_count }} + 1]
            as compared_count,
        basket_count.above_counts[grid_place.place + 1] as above_count,
    from basket_count
    cross join grid_place
)

select
    cast(index_code as varchar) as index_code,
    cast(trade_date as date) as trade_date,
    cast({{ grid.longest_days }} - days_ahead as integer) as lookback_days,
    -- A whole number over a hundred is the double nearest to the decimal.
    cast(price_percent / 100 as double) as price_ratio,
    cast(days_ahead as integer) as days_ahead,
    cast(
        case
            when compared_count >= minimum_members and traded_count > 0
                then above_count / compared_count
        end as double
    ) as diffusion_index,
    cast(compared_count as integer) as compared_count,
from cell
