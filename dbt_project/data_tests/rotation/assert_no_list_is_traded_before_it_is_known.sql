{{ config(meta={"dagster": {"ref": {"name": "fct_rotation_holding"}}}) }}

-- Only paper strategies trade at the close that made the list. A returned row is a
-- holding that was bought with knowledge of the future.
select
    holding.strategy_code,
    holding.signal_date,
    holding.asset_code,
    holding.execution_date,
from {{ ref("fct_rotation_holding") }} as holding
inner join
    {{ ref("dim_strategy") }} as strategy
    on holding.strategy_code = strategy.strategy_code
where
    holding.execution_date < holding.signal_date
    or (holding.execution_date = holding.signal_date and not strategy.is_paper)
