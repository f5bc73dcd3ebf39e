-- A benchmark named index:CODE is an index of any pool, so its pool is NULL.
-- intraday_return is from the open to the close: what a benchmark bought at the open
-- of its first day earns on it.
with asset_return as (
    select
        asset_type,
        asset_pool,
        trade_date,
        close_return,
        overnight_return,
    from {{ ref("int_asset_return_daily") }}
),

index_benchmark as (
    select
        benchmark,
        substr(benchmark, length('index:') + 1) as index_code,
    from {{ ref("strategy") }}
    where starts_with(benchmark, 'index:')
    group by benchmark
),

microcap_index as (
    select
        index_code,
        trade_date,
        index_return,
    from {{ ref("int_microcap_index_daily") }}
    where index_return is not null
),

market_index as (
    select
        index_code,
        trade_date,
        close / lag(close) over (
            partition by index_code
            order by trade_date asc
        ) - 1 as close_return,
        close / open - 1 as intraday_return,
    from {{ ref("stg_index_bar") }}
    where
        index_code in (
            select index_benchmark.index_code,
            from index_benchmark
        )
)

select
    'pool_equal_weight' as benchmark,
    asset_type,
    asset_pool,
    trade_date,
    {{ exact_mean("close_return", 15) }} as close_return,
    {{ exact_mean("(1 + close_return) / (1 + overnight_return) - 1", 15) }}
        as intraday_return
from asset_return
group by asset_type, asset_pool, trade_date
union all
-- An index that is computed here has no open: its first day counts whole.
select
    index_benchmark.benchmark,
    cast(null as varchar) as asset_type,
    cast(null as varchar) as asset_pool,
    microcap_index.trade_date,
    microcap_index.index_return as close_return,
    microcap_index.index_return as intraday_return,
from microcap_index
inner join index_benchmark on microcap_index.index_code = index_benchmark.index_code
union all
select
    index_benchmark.benchmark,
    cast(null as varchar) as asset_type,
    cast(null as varchar) as asset_pool,
    market_index.trade_date,
    market_index.close_return,
    coalesce(market_index.intraday_return, market_index.close_return)
        as intraday_return,
from market_index
inner join index_benchmark on market_index.index_code = index_benchmark.index_code
where market_index.close_return is not null
