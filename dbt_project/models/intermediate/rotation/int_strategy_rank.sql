with strategy as (
    select
        strategy_code,
        score_source,
        variant,
        asset_type,
        asset_pool,
        frequency,
        direction,
        top_n,
        layer_count,
        excluded_assets,
    from {{ ref("int_strategy") }}
),

score as (
    select
        score_source,
        variant,
        asset_type,
        asset_pool,
        asset_code,
        signal_date,
        score,
    from {{ ref("int_strategy_score") }}
    where score is not null
),

trading_day as (
    select
        trade_date,
        next_trade_week,
        is_week_end,
        is_week_complete,
        is_month_end,
        is_month_complete,
    from {{ ref("int_trading_day") }}
    where is_loaded
),

priced_asset as (
    select
        asset_type,
        asset_pool,
        asset_code,
        min(trade_date) as first_date,
    from {{ ref("int_asset_return_daily") }}
    group by asset_type, asset_pool, asset_code
    union all
    -- A stock has a score only where it has a price.
    select
        asset_type,
        asset_pool,
        asset_code,
        min(signal_date) as first_date,
    from score
    where asset_type = 'stock'
    group by asset_type, asset_pool, asset_code
),

-- Only periods that are over give a signal.
signal_day as (
    select
        'daily' as frequency,
        trade_date as signal_date,
    from trading_day
    union all
    select
        'weekly' as frequency,
        trade_date as signal_date,
    from trading_day
    where is_week_end and is_week_complete
    union all
    select
        'biweekly' as frequency,
        trade_date as signal_date,
    from trading_day
    where
        is_week_end
        and is_week_complete
        and {{ is_biweek_end("trade_date", "next_trade_week") }}
    union all
    select
        'monthly' as frequency,
        trade_date as signal_date,
    from trading_day
    where is_month_end and is_month_complete
),

-- What cannot be priced cannot be bought.
eligible as (
    select
        strategy.strategy_code,
        score.signal_date,
        score.asset_code,
        score.score,
        strategy.direction,
        strategy.top_n,
        strategy.layer_count,
    from strategy
    inner join signal_day on strategy.frequency = signal_day.frequency
    inner join
        score
        on
            strategy.score_source = score.score_source
            and strategy.variant = score.variant
            and strategy.asset_type = score.asset_type
            and strategy.asset_pool = score.asset_pool
            and signal_day.signal_date = score.signal_date
    inner join
        priced_asset
        on
            strategy.asset_type = priced_asset.asset_type
            and strategy.asset_pool = priced_asset.asset_pool
            and score.asset_code = priced_asset.asset_code
            and score.signal_date >= priced_asset.first_date
    where
        not list_contains(
            string_split(coalesce(strategy.excluded_assets, ''), '|'),
            score.asset_code
        )
),

ranked as (
    select
        strategy_code,
        signal_date,
        asset_code,
        score,
        top_n,
        layer_count,
        row_number() over (
            partition by strategy_code, signal_date
            order by score * direction desc, asset_code asc
        ) as asset_rank,
        count(*) over (partition by strategy_code, signal_date) as eligible_count,
    from eligible
),

-- The first layer of a cut by position, as in the tests of factors: n by the number of
-- layers, rounded up.
seated as (
    select
        *,
        coalesce(top_n, (eligible_count + layer_count - 1) // layer_count)
            as seat_count,
    from ranked
)

-- With fewer scores than seats the list would be no choice: the date gives no signal.
select
    strategy_code,
    signal_date,
    asset_code,
    score,
    asset_rank,
    eligible_count,
    seat_count,
    dense_rank() over (
        partition by strategy_code
        order by signal_date asc
    ) as signal_number,
from seated
where eligible_count >= coalesce(top_n, layer_count)
