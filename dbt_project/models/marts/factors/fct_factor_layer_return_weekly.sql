{%- set layers = var("factor_layers") %}
{%- set minimum_stocks = layers * var("factor_layer_minimum_stocks") %}

with layer_week as (
    select
        universe,
        factor_code,
        trade_week,
        factor_week,
        layer,
        stock_count,
        buyable_count,
        sellable_count,
        kept_count,
        kept_weight_before,
        kept_weight_change,
        paper_return_sum,
        tradable_return_sum,
        sellable_return_sum,
    from {{ ref("int_factor_layer_weekly") }}
),

compared_with_last_week as (
    select
        *,
        lag(trade_week) over by_week as last_week,
    from layer_week
    where layer > 0
    window
        by_week as (
            partition by universe, factor_code, layer
            order by trade_week
        )
),

measured as (
    select
        universe,
        factor_code,
        layer,
        trade_week,
        factor_week,
        cast(paper_return_sum as double) / stock_count as paper_return,
        cast(tradable_return_sum as double)
        / nullif(buyable_count, 0) as tradable_return,
        (stock_count - buyable_count) / stock_count as unfillable_share,
        cast(sellable_return_sum as double)
        / nullif(sellable_count, 0) as sellable_return,
        (stock_count - sellable_count) / stock_count as unsellable_share,
        -- Names that came, names that left, and the change of the weight of the others.
        case
            when last_week = factor_week
                then
                    (stock_count - kept_count) / stock_count
                    + (1 - coalesce(cast(kept_weight_before as double), 0))
                    + coalesce(cast(kept_weight_change as double), 0)
        end as turnover,
        stock_count,
        case when buyable_count = 0 then 'no stock can be bought' end as reason,
    from compared_with_last_week
    union all
    select
        universe,
        factor_code,
        unnest(range(1, {{ layers }} + 1)) as layer,
        trade_week,
        factor_week,
        null as paper_return,
        null as tradable_return,
        null as unfillable_share,
        null as sellable_return,
        null as unsellable_share,
        null as turnover,
        0 as stock_count,
        'fewer than {{ minimum_stocks }} stocks' as reason,
    from layer_week
    where layer = 0
)

select
    cast(universe as varchar) as universe,
    cast(factor_code as varchar) as factor_code,
    cast(layer as bigint) as layer,
    cast(trade_week as date) as trade_week,
    cast(factor_week as date) as factor_week,
    cast(paper_return as double) as paper_return,
    cast(tradable_return as double) as tradable_return,
    cast(unfillable_share as double) as unfillable_share,
    cast(sellable_return as double) as sellable_return,
    cast(unsellable_share as double) as unsellable_share,
    cast(turnover as double) as turnover,
    cast(stock_count as bigint) as stock_count,
    cast(reason as varchar) as reason,
from measured
