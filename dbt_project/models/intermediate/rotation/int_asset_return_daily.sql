-- A new kind of asset is one more branch. overnight_return runs from the close to the
-- moment at which a list is traded at the next open.
with industry_return as (
    select
        industry_system,
        industry_code,
        trade_date,
        float_cap_return,
        overnight_return,
    from {{ ref("int_industry_return_daily") }}
),

scored_index as (
    select
        index_code,
        index_class,
    from {{ ref("stg_market_index") }}
    where
        index_class in (
            {%- for index_class in var("score_index_classes") %}
            '{{ index_class }}'{{ "," if not loop.last }}
            {%- endfor %}
        )
),

index_level as (
    select
        scored_index.index_class,
        index_bar.index_code,
        index_bar.trade_date,
        index_bar.open,
        index_bar.close,
        lag(index_bar.close) over (
            partition by index_bar.index_code
            order by index_bar.trade_date asc
        ) as previous_close,
    from {{ ref("stg_index_bar") }} as index_bar
    inner join scored_index on index_bar.index_code = scored_index.index_code
)

select
    'industry' as asset_type,
    industry_system as asset_pool,
    industry_code as asset_code,
    trade_date,
    float_cap_return as close_return,
    overnight_return,
    overnight_return is not null as has_open,
from industry_return
where float_cap_return is not null
union all
-- An index without an open is traded at the close of the day instead.
select
    'index' as asset_type,
    index_class as asset_pool,
    index_code as asset_code,
    trade_date,
    close / previous_close - 1 as close_return,
    coalesce(open, close) / previous_close - 1 as overnight_return,
    open is not null as has_open,
from index_level
where previous_close is not null
