-- Means over a few thousand days or a hundred months; months only whole, of the index
-- and of the calendar.
with trading_day as (
    select
        trade_date,
        trade_month_end,
        is_month_complete,
        count(*) over (partition by trade_month_end) as month_day_count,
    from {{ ref("int_trading_day") }}
),

index_return as (
    select
        index_code,
        trade_date,
        index_return,
    from {{ ref("int_microcap_index_daily") }}
    where index_return is not null
),

-- The broad index that is loaded, in order of preference; else the whole market.
preference (benchmark_code, place) as (
    values
    {%- for index_code in var("calendar_benchmarks") %}
    ('{{ index_code }}', {{ loop.index }}){{ "," if not loop.last }}
    {%- endfor %}
),

broad_return as (
    select
        index_code as benchmark_code,
        trade_date,
        close / lag(close) over (
            partition by index_code
            order by trade_date asc
        ) - 1 as benchmark_return,
    from {{ ref("stg_index_bar") }}
    where
        index_code in (
            select preference.benchmark_code,
            from preference
        )
),

chosen as (
    select
        coalesce(
            min_by(preference.benchmark_code, preference.place), 'market'
        ) as benchmark_code,
    from preference
    semi join broad_return on preference.benchmark_code = broad_return.benchmark_code
),

benchmark as (
    select
        broad_return.benchmark_code,
        broad_return.trade_date,
        broad_return.benchmark_return,
    from broad_return
    inner join chosen on broad_return.benchmark_code = chosen.benchmark_code
    where broad_return.benchmark_return is not null
    union all
    select
        chosen.benchmark_code,
        market.trade_date,
        market.market_return as benchmark_return,
    from {{ ref("int_market_return_daily") }} as market
    inner join chosen on chosen.benchmark_code = 'market'
    where market.market_return is not null
),

daily as (
    select
        index_return.index_code,
        index_return.trade_date,
        trading_day.trade_month_end,
        trading_day.is_month_complete,
        trading_day.month_day_count,
        index_return.index_return,
        benchmark.benchmark_return,
    from index_return
    inner join trading_day on index_return.trade_date = trading_day.trade_date
    left join benchmark on index_return.trade_date = benchmark.trade_date
),

monthly as (
    select
        index_code,
        trade_month_end,
        exp(cast(sum(cast(ln(1 + index_return) as decimal(38, 18))) as double)) - 1
            as index_return,
        case
            when count(benchmark_return) = any_value(month_day_count)
                then
                    exp(
                        cast(
                            sum(cast(ln(1 + benchmark_return) as decimal(38, 18)))
                            as double
                        )
                    ) - 1
        end as benchmark_return,
    from daily
    where is_month_complete
    group by index_code, trade_month_end
    having count(*) = any_value(month_day_count)
),

observed as (
    select
        index_code,
        'weekday' as effect,
        isodow(trade_date) as bucket,
        index_return,
        index_return - benchmark_return as excess_return,
    from daily
    union all
    select
        index_code,
        'month' as effect,
        month(trade_month_end) as bucket,
        index_return,
        index_return - benchmark_return as excess_return,
    from monthly
),

averaged as (
    select
        index_code,
        effect,
        bucket,
        {{ exact_mean("index_return", 15) }} as mean_return,
        count(*) filter (where index_return > 0) / count(*) as win_rate,
        {{ exact_mean("excess_return", 15) }} as mean_excess_return,
        count(*) filter (where excess_return > 0)
        / nullif(count(excess_return), 0) as excess_win_rate,
        count(*) as observation_count,
        count(excess_return) as excess_count,
    from observed
    group by index_code, effect, bucket
)

select
    cast(averaged.index_code as varchar) as index_code,
    cast(averaged.effect as varchar) as effect,
    cast(averaged.bucket as integer) as bucket,
    cast(averaged.mean_return as double) as mean_return,
    cast(averaged.win_rate as double) as win_rate,
    cast(averaged.mean_excess_return as double) as mean_excess_return,
    cast(averaged.excess_win_rate as double) as excess_win_rate,
    cast(averaged.observation_count as integer) as observation_count,
    cast(averaged.excess_count as integer) as excess_count,
    cast(
        case when averaged.excess_count > 0 then chosen.benchmark_code end as varchar
    ) as benchmark_code,
from averaged
cross join chosen
