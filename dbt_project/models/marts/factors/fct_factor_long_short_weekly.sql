with layer_return as (
    select
        universe,
        factor_code,
        layer,
        trade_week,
        factor_week,
        paper_return,
        tradable_return,
        unfillable_share,
        sellable_return,
        unsellable_share,
        turnover,
        stock_count,
        reason,
    from {{ ref("fct_factor_layer_return_weekly") }}
    where layer in (1, {{ var("factor_layers") }})
)

select
    cast(long_side.universe as varchar) as universe,
    cast(long_side.factor_code as varchar) as factor_code,
    cast(long_side.trade_week as date) as trade_week,
    cast(long_side.factor_week as date) as factor_week,
    cast(long_side.paper_return - short_side.paper_return as double) as paper_return,
    cast(
        long_side.tradable_return - short_side.sellable_return as double
    ) as tradable_return,
    cast(
        (
            long_side.unfillable_share * long_side.stock_count
            + short_side.unsellable_share * short_side.stock_count
        )
        / nullif(long_side.stock_count + short_side.stock_count, 0) as double
    ) as unfillable_share,
    cast(long_side.unfillable_share as double) as long_unfillable_share,
    cast(short_side.unsellable_share as double) as short_unfillable_share,
    cast(long_side.turnover + short_side.turnover as double) as turnover,
    cast(long_side.stock_count + short_side.stock_count as bigint) as stock_count,
    cast(
        case
            when long_side.reason is not null then long_side.reason
            when short_side.sellable_return is null
                then 'no stock of the last layer can be sold'
        end as varchar
    ) as reason,
from layer_return as long_side
inner join layer_return as short_side
    on
        long_side.universe = short_side.universe
        and long_side.factor_code = short_side.factor_code
        and long_side.trade_week = short_side.trade_week
where
    long_side.layer = 1
    and short_side.layer = {{ var("factor_layers") }}
