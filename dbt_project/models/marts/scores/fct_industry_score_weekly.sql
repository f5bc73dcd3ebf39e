select
    cast(model_code as varchar) as model_code,
    cast(industry_system as varchar) as industry_system,
    cast(industry_code as varchar) as industry_code,
    cast(trade_week as date) as trade_week,
    cast(score as double) as score,
    cast(z_score as double) as z_score,
    cast(score_rank as integer) as score_rank,
    cast(change as double) as change,
    cast(member_count as integer) as member_count,
    cast(weight_source as varchar) as weight_source,
from {{ ref("int_industry_score_weekly") }}
