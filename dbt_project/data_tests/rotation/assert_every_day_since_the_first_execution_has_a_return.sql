{{ config(meta={"dagster": {"ref": {"name": "fct_rotation_return_daily"}}}) }}

-- A strategy has a return on every loaded day from its first execution on. A returned
-- row is a strategy with a hole.
with counted as (
    select
        strategy_code,
        min(trade_date) as first_date,
        count(*) as day_count,
    from {{ ref("fct_rotation_return_daily") }}
    group by strategy_code
)

select
    counted.strategy_code,
    counted.day_count,
    count(*) as loaded_count,
from counted
inner join
    {{ ref("int_trading_day") }} as trading_day
    on counted.first_date <= trading_day.trade_date
where trading_day.is_loaded
group by counted.strategy_code, counted.day_count
having count(*) <> counted.day_count
