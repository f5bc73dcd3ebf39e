{{ config(materialized="view", tags=["model_input"]) }}

-- The benchmark is the index that is enhanced, the variant the model that scores.
select
    strategy.strategy_code,
    strategy.variant as model_code,
    substr(strategy.benchmark, length('index:') + 1) as index_code,
    strategy.frequency,
    enhancement.minimum_member_share,
    enhancement.stock_deviation,
    enhancement.industry_deviation,
    enhancement.styles,
    enhancement.style_deviation,
    enhancement.two_way_turnover,
from {{ ref("strategy") }} as strategy
inner join {{ ref("enhancement") }} as enhancement
    on strategy.strategy_code = enhancement.strategy_code
