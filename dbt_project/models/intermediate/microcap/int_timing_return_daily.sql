{{ timed_returns(ref("int_timing_state_daily"), [("tradable", 1), ("paper", 0)]) }}

select
    index_code,
    method,
    variant,
    trade_date,
    position,
    (1 - cost) * (1 + position * index_return) - 1 as strategy_return,
    index_return,
    cost,
    turnover,
from timed
