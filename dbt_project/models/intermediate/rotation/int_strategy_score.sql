-- A new score is one more branch; what is NULL is not ranked. Only variants that some
-- strategy ranks by are kept.
with used_variant as (
    select
        score_source,
        variant,
    from {{ ref("strategy") }}
    group by score_source, variant
),

diffusion_index as (
    select
        industry_system,
        industry_code,
        trade_date,
        variant,
        diffusion_index,
    from {{ ref("int_diffusion_index_daily") }}
    where
        diffusion_index is not null
        and variant in (
            select used_variant.variant,
            from used_variant
            where used_variant.score_source = 'diffusion_index'
        )
),

low_volatility_pool as (
    select asset_pool,
    from {{ ref("strategy") }}
    where score_source = 'low_volatility'
    group by asset_pool
),

microcap_member as (
    select
        index_code,
        trade_date,
        security_code,
    from {{ ref("int_microcap_member") }}
    where
        index_code in (
            select low_volatility_pool.asset_pool,
            from low_volatility_pool
        )
),

low_volatility as (
    {{ low_volatility_score("microcap_member", ["index_code"]) }}
),

used_model as (
    select variant as model_code,
    from used_variant
    where score_source = 'model_score'
),

-- The panel of all stocks is long: only models with a strategy on stocks.
stock_model as (
    select variant as model_code,
    from {{ ref("strategy") }}
    where
        score_source = 'model_score'
        and asset_type = 'stock'
    group by variant
),

industry_score as (
    select
        score.industry_system,
        score.industry_code,
        score.trade_week,
        score.model_code,
        score.score,
    from {{ ref("int_industry_score_weekly") }} as score
    semi join used_model on score.model_code = used_model.model_code
    where score.score is not null
),

index_score as (
    select
        score.index_class,
        score.index_code,
        score.trade_week,
        score.model_code,
        score.score,
    from {{ ref("int_index_score_weekly") }} as score
    semi join used_model on score.model_code = used_model.model_code
    where score.score is not null
),

-- What does not trade on the day of the signal is not listed.
stock_score as (
    select
        score.security_code,
        score.trade_week,
        score.model_code,
        score.score,
    from {{ ref("int_stock_score_weekly") }} as score
    semi join stock_model on score.model_code = stock_model.model_code
    where
        score.is_counted
        and score.is_traded
),

text_score as (
    select
        encoder_code,
        trade_date,
        security_code,
        text_score,
        case when is_in_base_pool then composite_score end as composite_score,
    from {{ ref("int_text_portfolio_score") }}
)

select
    'diffusion_index' as score_source,
    variant,
    'industry' as asset_type,
    industry_system as asset_pool,
    industry_code as asset_code,
    trade_date as signal_date,
    diffusion_index as score,
from diffusion_index
union all
select
    'low_volatility' as score_source,
    'volatility_1y' as variant,
    'stock' as asset_type,
    index_code as asset_pool,
    security_code as asset_code,
    trade_date as signal_date,
    score,
from low_volatility
union all
select
    'model_score' as score_source,
    model_code as variant,
    'industry' as asset_type,
    industry_system as asset_pool,
    industry_code as asset_code,
    trade_week as signal_date,
    score,
from industry_score
union all
select
    'model_score' as score_source,
    model_code as variant,
    'index' as asset_type,
    index_class as asset_pool,
    index_code as asset_code,
    trade_week as signal_date,
    score,
from index_score
union all
select
    'model_score' as score_source,
    model_code as variant,
    'stock' as asset_type,
    'all' as asset_pool,
    security_code as asset_code,
    trade_week as signal_date,
    score,
from stock_score
union all
select
    'text_score' as score_source,
    encoder_code as variant,
    'stock' as asset_type,
    'all' as asset_pool,
    security_code as asset_code,
    trade_date as signal_date,
    text_score as score,
from text_score
union all
select
    'text_composite' as score_source,
    encoder_code as variant,
    'stock' as asset_type,
    'all' as asset_pool,
    security_code as asset_code,
    trade_date as signal_date,
    composite_score as score,
from text_score
where composite_score is not null
