{{ config(schema="core") }}

with strategy as (
    select
        strategy_code,
        name_cn,
        name_en,
        definition,
        inputs,
        score_source,
        variant,
        asset_type,
        asset_pool,
        frequency,
        direction,
        top_n,
        layer_count,
        buffer_rank,
        excluded_assets,
        execution,
        fills,
        two_way_cost,
        benchmark,
    from {{ ref("strategy") }}
),

available_score as (
    select
        score_source,
        variant,
        asset_type,
        asset_pool,
    from {{ ref("int_strategy_score") }}
    group by score_source, variant, asset_type, asset_pool
    union all
    -- Of a score that only a solver reads, its portfolios tell.
    select
        score_source,
        variant,
        asset_type,
        asset_pool,
    from strategy
    where score_source = 'enhancement'
    group by score_source, variant, asset_type, asset_pool
),

portfolio as (
    select strategy_code,
    from {{ ref("stg_portfolio_weight") }}
    group by strategy_code
),

weighted_index as (
    select 'index:' || index_code as benchmark,
    from {{ ref("int_index_weight_weekly") }}
    where weight_source = 'published'
    group by index_code
),

available_return as (
    select
        asset_type,
        asset_pool,
    from {{ ref("int_asset_return_daily") }}
    group by asset_type, asset_pool
),

benchmarked as (
    select strategy_code,
    from {{ ref("int_strategy") }}
),

available_signal as (
    select strategy_code,
    from {{ ref("int_rotation_rebalance") }}
    group by strategy_code
),

model as (
    select
        model_code,
        unavailable_reason,
    from {{ ref("dim_model") }}
),

judged as (
    select
        strategy.*,
        case
            when
                available_return.asset_pool is null
                -- A stock with a score has a price.
                and strategy.asset_type <> 'stock'
                then 'inputs not loaded: no returns of ' || strategy.asset_pool
            when available_score.asset_pool is null
                then
                    coalesce(
                        model.unavailable_reason,
                        'inputs not loaded: no scores ' || strategy.score_source
                        || ' (' || strategy.variant || ') of ' || strategy.asset_pool
                    )
            when
                strategy.score_source = 'enhancement'
                and portfolio.strategy_code is null
                then
                    coalesce(
                        model.unavailable_reason,
                        case
                            when weighted_index.benchmark is null
                                then
                                    'inputs not loaded: members and weights of '
                                    || substr(strategy.benchmark, length('index:') + 1)
                        end,
                        'history too short: no complete ' || strategy.frequency
                        || ' period with scores and index weights'
                    )
            when benchmarked.strategy_code is null
                then 'inputs not loaded: closes of the benchmark ' || strategy.benchmark
            when available_signal.strategy_code is null
                then
                    'history too short: no complete ' || strategy.frequency
                    || ' period with '
                    || coalesce(strategy.top_n, strategy.layer_count) || ' scores'
        end as unavailable_reason,
    from strategy
    left join
        available_score
        on
            strategy.score_source = available_score.score_source
            and strategy.variant = available_score.variant
            and strategy.asset_type = available_score.asset_type
            and strategy.asset_pool = available_score.asset_pool
    left join
        available_return
        on
            strategy.asset_type = available_return.asset_type
            and strategy.asset_pool = available_return.asset_pool
    left join portfolio on strategy.strategy_code = portfolio.strategy_code
    left join weighted_index on strategy.benchmark = weighted_index.benchmark
    left join benchmarked on strategy.strategy_code = benchmarked.strategy_code
    left join
        available_signal
        on strategy.strategy_code = available_signal.strategy_code
    left join
        model
        on
            -- The variant of a score of texts is the encoder.
            model.model_code = case
                when strategy.score_source in ('model_score', 'enhancement')
                    then strategy.variant
                when strategy.score_source in ('text_score', 'text_composite')
                    then 'text_' || strategy.variant
            end
)

select
    cast(strategy_code as varchar) as strategy_code,
    cast(name_cn as varchar) as name_cn,
    cast(name_en as varchar) as name_en,
    cast(definition as varchar) as definition,
    cast(inputs as varchar) as inputs,
    cast(score_source as varchar) as score_source,
    cast(variant as varchar) as variant,
    cast(asset_type as varchar) as asset_type,
    cast(asset_pool as varchar) as asset_pool,
    cast(case when asset_type = 'industry' then asset_pool end as varchar)
        as industry_system,
    cast(frequency as varchar) as frequency,
    cast(direction as integer) as direction,
    cast(top_n as integer) as top_n,
    cast(layer_count as integer) as layer_count,
    cast(buffer_rank as integer) as buffer_rank,
    cast(excluded_assets as varchar) as excluded_assets,
    cast(execution as varchar) as execution,
    cast(fills as varchar) as fills,
    cast(two_way_cost as double) as two_way_cost,
    cast(benchmark as varchar) as benchmark,
    cast(execution = 'signal_close' as boolean) as is_paper,
    cast(unavailable_reason is null as boolean) as is_available,
    cast(unavailable_reason as varchar) as unavailable_reason,
from judged
