{{ timed_returns(ref("int_diffusion_timing_state_daily"), [("tradable", 1)]) }}

select
    cast(timed.index_code as varchar) as index_code,
    cast(timed.method as varchar) as method,
    cast(timed.trade_date as date) as trade_date,
    cast(line.fast_average as double) as fast_average,
    cast(line.slow_average as double) as slow_average,
    cast(timed.position as integer) as position,
    cast(
        (1 - timed.cost) * (1 + timed.position * timed.index_return) - 1 as double
    ) as strategy_return,
    cast(timed.index_return as double) as index_return,
    cast(timed.cost as double) as cost,
    cast(timed.turnover as double) as turnover,
    cast(case when timed.index_return is null then 'no_index_return' end as varchar)
        as null_reason,
from timed
left join {{ ref("int_diffusion_timing_state_daily") }} as line
    on
        timed.index_code = line.index_code
        and timed.method = line.method
        and timed.trade_date = line.trade_date
