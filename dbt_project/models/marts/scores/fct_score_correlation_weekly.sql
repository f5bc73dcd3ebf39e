{%- set minimum = var("score_minimum_stocks") %}

-- Of the parts of a fused model, each pair once.
with pair as (
    select
        part.part_code as model_code,
        other.part_code as other_model_code,
    from {{ ref("score_fusion") }} as part
    inner join {{ ref("score_fusion") }} as other
        on
            part.model_code = other.model_code
            and part.part_code < other.part_code
    group by part.part_code, other.part_code
),

score as (
    select
        model_code,
        trade_week,
        security_code,
        z_score,
    from {{ ref("int_stock_score_weekly") }}
    where z_score is not null
),

shared as (
    select
        pair.model_code,
        pair.other_model_code,
        score.trade_week,
        score.z_score as x,
        other.z_score as y,
    from pair
    inner join score on pair.model_code = score.model_code
    inner join score as other
        on
            pair.other_model_code = other.model_code
            and score.trade_week = other.trade_week
            and score.security_code = other.security_code
),

summed as (
    select
        model_code,
        other_model_code,
        trade_week,
        count(*) as stock_count,
        {{ score_sum("x") }} as x_sum,
        {{ score_sum("y") }} as y_sum,
        {{ score_sum("x * y") }} as xy_sum,
        {{ score_sum("x * x") }} as xx_sum,
        {{ score_sum("y * y") }} as yy_sum,
    from shared
    group by model_code, other_model_code, trade_week
)

select
    cast(model_code as varchar) as model_code,
    cast(other_model_code as varchar) as other_model_code,
    cast(trade_week as date) as trade_week,
    cast(
        case
            when stock_count >= {{ minimum }}
                then
                    (stock_count * xy_sum - x_sum * y_sum)
                    / nullif(
                        sqrt(
                            greatest(stock_count * xx_sum - x_sum * x_sum, 0)
                            * greatest(stock_count * yy_sum - y_sum * y_sum, 0)
                        ),
                        0
                    )
        end as double
    ) as correlation,
    cast(stock_count as integer) as stock_count,
from summed
