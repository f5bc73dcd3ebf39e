select
    cast(index_code as varchar) as index_code,
    cast(method as varchar) as method,
    cast(variant as varchar) as variant,
    cast(trade_date as date) as trade_date,
    cast(position as integer) as position,
    cast(strategy_return as double) as strategy_return,
    cast(index_return as double) as index_return,
    cast(cost as double) as cost,
    cast(turnover as double) as turnover,
    cast(case when index_return is null then 'no_index_return' end as varchar)
        as null_reason,
from {{ ref("int_timing_return_daily") }}
