select
    cast(model_code as varchar) as model_code,
    cast(index_class as varchar) as index_class,
    cast(index_code as varchar) as index_code,
    cast(index_name as varchar) as index_name,
    cast(trade_week as date) as trade_week,
    cast(score as double) as score,
    cast(z_score as double) as z_score,
    cast(score_rank as integer) as score_rank,
    cast(change as double) as change,
    cast(member_count as integer) as member_count,
    cast(weight_source as varchar) as weight_source,
from {{ ref("int_index_score_weekly") }}
