{%- set minimum = var("factor_ic_minimum_stocks") %}

with week_sum as (
    select
        universe,
        factor_code,
        trade_week,
        factor_week,
        sum(stock_count) as stock_count,
        sum(buyable_count) as buyable_count,
        {% for column in rank_sums() -%}
        sum({{ column }}) as {{ column }},
        {% endfor -%}
    from {{ ref("int_factor_layer_weekly") }}
    group by universe, factor_code, trade_week, factor_week
),

correlated as (
    select
        *,
        {{
            rank_correlation(
                "stock_count",
                "rank_product_sum",
                "factor_rank_sum",
                "factor_square_sum",
                "return_rank_sum",
                "return_square_sum",
                minimum
            )
        }} as rank_ic,
        {{
            rank_correlation(
                "buyable_count",
                "buyable_rank_product_sum",
                "buyable_factor_rank_sum",
                "buyable_factor_square_sum",
                "buyable_return_rank_sum",
                "buyable_return_square_sum",
                minimum
            )
        }} as tradable_rank_ic,
    from week_sum
)

select
    cast(universe as varchar) as universe,
    cast(factor_code as varchar) as factor_code,
    cast(trade_week as date) as trade_week,
    cast(factor_week as date) as factor_week,
    cast(rank_ic as double) as rank_ic,
    cast(tradable_rank_ic as double) as tradable_rank_ic,
    cast(stock_count as bigint) as stock_count,
    cast(buyable_count as bigint) as buyable_count,
    cast((stock_count - buyable_count) / stock_count as double) as unfillable_share,
    cast(
        case
            when rank_ic is not null and tradable_rank_ic is not null then null
            when stock_count < {{ minimum }} then 'fewer than {{ minimum }} stocks'
            when stock_count * factor_square_sum = factor_rank_sum * factor_rank_sum
                then 'the factor is constant'
            when rank_ic is null then 'the return is constant'
            when buyable_count < {{ minimum }}
                then 'fewer than {{ minimum }} stocks can be bought'
            else 'factor or return is constant among the stocks that can be bought'
        end as varchar
    ) as reason,
from correlated
