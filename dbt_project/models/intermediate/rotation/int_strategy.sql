{{ config(materialized="view") }}

-- Without its benchmark a strategy has no returns to tell, and is not run.
with loaded_index as (
    select index_code,
    from {{ ref("stg_index_bar") }}
    group by index_code
    union all
    select index_code,
    from {{ ref("microcap_index") }}
)

select
    strategy.strategy_code,
    strategy.score_source,
    strategy.variant,
    strategy.asset_type,
    strategy.asset_pool,
    strategy.frequency,
    strategy.direction,
    strategy.top_n,
    strategy.layer_count,
    strategy.excluded_assets,
from {{ ref("strategy") }} as strategy
left join loaded_index on strategy.benchmark = 'index:' || loaded_index.index_code
where
    not starts_with(strategy.benchmark, 'index:')
    or loaded_index.index_code is not null
