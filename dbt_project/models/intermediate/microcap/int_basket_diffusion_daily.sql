{%- set grid = var("critical_grid") %}
{%- set timing = var("diffusion_timing") %}

with basket_count as (
    select
        index_code,
        trade_date,
        member_count,
        traded_count,
        compared_counts[1] as compared_count,
        -- The grid's first row, longest lookback, at a ratio of one.
        above_counts[{{ grid.highest_percent - 100 + 1 }}] as above_count,
        {{ parameter_of("index_code", "minimum_members") }} as minimum_members,
    from {{ ref("int_basket_count_daily") }}
),

basket_day as (
    select
        first_day.index_code,
        trading_day.trade_date,
    from (
        select
            index_code,
            min(trade_date) as first_date,
        from basket_count
        group by index_code
    ) as first_day
    inner join {{ ref("int_trading_day") }} as trading_day
        on first_day.first_date <= trading_day.trade_date
    where trading_day.is_loaded
),

judged as (
    select
        basket_day.index_code,
        basket_day.trade_date,
        coalesce(basket_count.member_count, 0) as member_count,
        coalesce(basket_count.compared_count, 0) as compared_count,
        basket_count.above_count,
        case
            when basket_count.member_count is null then 'no_members'
            when basket_count.compared_count < basket_count.minimum_members
                then 'too_few_members'
            when basket_count.traded_count = 0 then 'all_suspended'
        end as null_reason,
    from basket_day
    left join basket_count
        on
            basket_day.index_code = basket_count.index_code
            and basket_day.trade_date = basket_count.trade_date
),

diffused as (
    select
        index_code,
        trade_date,
        member_count,
        compared_count,
        null_reason,
        case when null_reason is null then above_count / compared_count end
            as diffusion_index,
    from judged
),

-- Averages run over the days that have an index; the others are passed over.
averaged as (
    select
        index_code,
        trade_date,
        row_number() over (
            partition by index_code order by trade_date
        ) as valid_index,
        lag(diffusion_index) over (
            partition by index_code order by trade_date
        ) as previous_diffusion_index,
        {{ moving_share_mean(
            "diffusion_index", timing.fast_days, "index_code", "trade_date"
        ) }} as fast_average,
        {{ moving_share_mean(
            "diffusion_index", timing.slow_days, "index_code", "trade_date"
        ) }} as slow_average,
        sum(cast(diffusion_index as decimal(18, 15))) over (
            partition by index_code
            order by trade_date
            rows between unbounded preceding and current row
        ) as diffusion_total,
    from diffused
    where diffusion_index is not null
)

select
    diffused.index_code,
    diffused.trade_date,
    diffused.diffusion_index,
    averaged.previous_diffusion_index,
    averaged.fast_average,
    averaged.slow_average,
    averaged.valid_index,
    averaged.diffusion_total,
    diffused.member_count,
    diffused.compared_count,
    diffused.null_reason,
from diffused
left join averaged
    on
        diffused.index_code = averaged.index_code
        and diffused.trade_date = averaged.trade_date
