{{ config(meta={"dated_by": "known_date"}) }}

{%- set minimum = var("factor_ic_minimum_stocks") %}
{%- set so_far = "range between unbounded preceding and current row" %}

with scored as (
    select
        score.model_code,
        score.trade_week,
        forward.known_date,
        score.score,
        forward.forward_return,
        forward.is_buyable,
    from {{ ref("int_stock_score_weekly") }} as score
    inner join {{ ref("int_stock_forward_return") }} as forward
        on
            score.trade_week = forward.trade_week
            and score.security_code = forward.security_code
    where
        score.is_counted
        and forward.forward_return is not null
),

-- Doubled average ranks are integers.
ranked as (
    select
        model_code,
        trade_week,
        known_date,
        is_buyable,
        rank() over by_score + count(*) over by_score as score_rank,
        rank() over by_return + count(*) over by_return as return_rank,
    from scored
    window
        by_score as (
            partition by model_code, trade_week, is_buyable
            order by score desc {{ so_far }}
        ),
        by_return as (
            partition by model_code, trade_week, is_buyable
            order by forward_return desc {{ so_far }}
        )
),

summed as (
    select
        model_code,
        trade_week,
        known_date,
        count(*) filter (where is_buyable) as stock_count,
        count(*) filter (where not is_buyable) as excluded_count,
        sum(score_rank * return_rank) filter (where is_buyable) as product_sum,
        sum(score_rank) filter (where is_buyable) as score_sum,
        sum(score_rank * score_rank) filter (where is_buyable) as score_square_sum,
        sum(return_rank) filter (where is_buyable) as return_sum,
        sum(return_rank * return_rank) filter (where is_buyable) as return_square_sum,
    from ranked
    group by model_code, trade_week, known_date
),

correlated as (
    select
        *,
        {{
            rank_correlation(
                "stock_count",
                "product_sum",
                "score_sum",
                "score_square_sum",
                "return_sum",
                "return_square_sum",
                minimum
            )
        }} as rank_ic,
    from summed
)

select
    cast(model_code as varchar) as model_code,
    cast(trade_week as date) as trade_week,
    cast(known_date as date) as known_date,
    cast(rank_ic as double) as rank_ic,
    cast(stock_count as integer) as stock_count,
    cast(excluded_count as integer) as excluded_count,
    cast(
        case
            when rank_ic is not null then null
            when stock_count < {{ minimum }} then 'fewer than {{ minimum }} stocks'
            when stock_count * score_square_sum = score_sum * score_sum
                then 'the score is constant'
            else 'the return is constant'
        end as varchar
    ) as reason,
from correlated
