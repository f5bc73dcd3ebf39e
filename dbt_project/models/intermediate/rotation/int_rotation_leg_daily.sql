with position as (
    select
        strategy_code,
        signal_date,
        trade_date,
        is_entry,
        is_exit,
        position_value,
        is_carried,
    from {{ ref("int_rotation_position") }}
),

valued as (
    select
        strategy_code,
        signal_date,
        trade_date,
        is_entry,
        is_exit,
        {{ exact_sum("position_value", 18) }} as portfolio_value,
        count(*) as held_count,
        count(*) filter (where is_carried) as carried_count,
    from position
    group by strategy_code, signal_date, trade_date, is_entry, is_exit
)

-- A portfolio is bought for 1, so its first leg starts there.
select
    strategy_code,
    signal_date,
    trade_date,
    is_entry,
    is_exit,
    portfolio_value,
    portfolio_value / lag(portfolio_value, 1, 1) over (
        partition by strategy_code, signal_date
        order by trade_date asc
    ) as leg_growth,
    held_count,
    carried_count,
from valued
