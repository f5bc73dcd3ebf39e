-- Levels of what is compared with each other: the broad indices that are loaded, and
-- the micro-cap index.
select
    market_index.index_code,
    market_index.name as index_name,
    index_bar.trade_date,
    index_bar.close as index_level,
    false as is_microcap,
from {{ ref("stg_index_bar") }} as index_bar
inner join
    {{ ref("stg_market_index") }} as market_index
    on index_bar.index_code = market_index.index_code
where
    market_index.index_class = 'broad'
    and index_bar.close > 0
union all
select
    microcap_index.index_code,
    microcap_index.name_cn as index_name,
    index_day.trade_date,
    index_day.index_level,
    true as is_microcap,
from {{ ref("int_microcap_index_daily") }} as index_day
inner join
    {{ ref("microcap_index") }} as microcap_index
    on index_day.index_code = microcap_index.index_code
where
    microcap_index.index_code = '{{ var("ledger_index") }}'
    and index_day.index_level is not null
