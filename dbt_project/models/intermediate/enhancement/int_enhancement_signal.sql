{{ config(materialized="view", tags=["model_input"]) }}

-- Scores are weekly: a monthly signal is that of the last week that ends in the month,
-- which the exchange calendar tells beforehand.
select
    enhancement.strategy_code,
    enhancement.index_code,
    enhancement.model_code,
    trading_day.trade_week as signal_date,
from {{ ref("int_enhancement") }} as enhancement
inner join {{ ref("int_trading_day") }} as trading_day
    on
        enhancement.frequency = 'weekly'
        or date_trunc('month', trading_day.next_trade_week)
        > date_trunc('month', trading_day.trade_week)
where
    trading_day.is_week_end
    and trading_day.is_week_complete
    and trading_day.is_loaded
