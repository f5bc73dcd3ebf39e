{{ config(meta={"dagster": {"ref": {"name": "dim_strategy"}}}) }}

-- A strategy is either there or absent with its reason. A returned row is neither.
with held as (
    select strategy_code,
    from {{ ref("fct_rotation_holding") }}
    group by strategy_code
)

select
    strategy.strategy_code,
    strategy.is_available,
    strategy.unavailable_reason,
from {{ ref("dim_strategy") }} as strategy
left join held on strategy.strategy_code = held.strategy_code
where strategy.is_available <> (held.strategy_code is not null)
