{{
    config(
        materialized="incremental",
        incremental_strategy="rewrite_window",
        on_schema_change="fail",
    )
}}

{%- set minimum = var("high_frequency_minimum_bars") %}

-- One scan. Bars without a trade are as if they were not there: some vendors leave them
-- out, others repeat the price. Those outside of the sessions count in the volume only.
with bar as materialized (
    select
        security_code,
        trade_date,
        bar_minutes,
        session_minute,
        {{ ten_thousandths("open_cny") }} as open_price,
        {{ ten_thousandths("high_cny - low_cny") }} as price_range,
        {{ ten_thousandths("close_cny") }} as close_price,
        cast(volume_shares as bigint) as volume,
        case
            when session_minute is not null then {{ ten_thousandths("amount_cny") }}
        end as amount,
        case
            when session_minute is not null
                then {{ ten_thousandths("amount_cny / trade_count") }}
        end as single_amount,
        cast(trade_count as bigint) as item_count,
        is_amount_estimated,
    from {{ ref("int_minute_bar") }}
    where
        is_active
        and {{ in_build_window("bar_time") }}
),

day_sum as (
    select
        security_code,
        trade_date,
        max(bar_minutes) filter (where session_minute is not null) as bar_minutes,
        count(session_minute) as bar_count,
        count(*) filter (where session_minute <= 30) as early_bar_count,
        count(*) filter (where session_minute > 210) as late_bar_count,
        max(session_minute) as last_session_minute,
        count(item_count) filter (where session_minute is not null)
        = count(session_minute) as has_items,
        bool_or(is_amount_estimated) filter (
            where session_minute is not null
        ) as is_amount_estimated,
        sum(volume) as volume,
        sum(amount) as amount,
        sum(cast(amount as hugeint) * amount) as amount_squares,
        sum(single_amount) as single_amount,
        sum(cast(single_amount as hugeint) * single_amount) as single_squares,
    from bar
    group by security_code, trade_date
    having count(session_minute) > 0
),

-- What is the same for all bars of a day is computed once. The day has a number, for an
-- integer is sorted and grouped by in less time than code and date; it is given once.
whole_day as materialized (
    select
        *,
        cast(row_number() over () as integer) as day_number,
        {{ big_threshold("bar_count", "amount", "amount_squares") }} as big_amount,
        {{ big_threshold("bar_count", "single_amount", "single_squares") }}
            as big_single_amount,
    from day_sum
),

-- 32 bits where they hold: what is sorted is narrow.
shared as (
    select
        whole_day.day_number,
        2 * whole_day.day_number + cast(bar.session_minute > 120 as integer)
            as half_number,
        bar.session_minute,
        bar.open_price,
        bar.close_price,
        cast(bar.item_count as integer) as item_count,
        bar.price_range / bar.open_price as amplitude_ratio,
        {{ billionths("bar.volume / whole_day.volume", true, "integer") }}
            as volume_share,
        {{ billionths("bar.amount / whole_day.amount", true, "integer") }}
            as amount_share,
        bar.amount > whole_day.big_amount as is_big_amount,
        bar.single_amount > whole_day.big_single_amount as is_big_single,
    from bar
    inner join whole_day
        on
            bar.security_code = whole_day.security_code
            and bar.trade_date = whole_day.trade_date
    where bar.session_minute is not null
),

-- The bar before lies in the same half of the day: no return across lunch, none from
-- the auction. The first bar of a half takes its own open instead.
neighboured as (
    select
        *,
        lag(close_price) over by_time as previous_close,
        coalesce(lag(close_price, 2) over by_time, lag(open_price) over by_time)
            as close_before_previous,
        lag(amount_share) over by_time as previous_amount_share,
    from shared
    window
        by_time as (
            partition by half_number
            order by session_minute
        )
),

divided as (
    select
        *,
        close_price / coalesce(previous_close, open_price) - 1 as bar_ratio,
        previous_close / close_before_previous - 1 as previous_ratio,
    from neighboured
),

measured as (
    select
        day_number,
        session_minute,
        open_price,
        close_price,
        previous_close,
        is_big_amount,
        is_big_single,
        cast(item_count as bigint) as item_count,
        cast(volume_share as bigint) as volume_share,
        cast(amount_share as bigint) as amount_share,
        cast(previous_amount_share as bigint) as previous_amount_share,
        {{ billionths("bar_ratio") }} as bar_return,
        {{ billionths("previous_ratio") }} as previous_return,
        {{ billionths("amplitude_ratio") }} as amplitude,
    from divided
),

signed as (
    select
        *,
        cast((session_minute + 29) // 30 as tinyint) as half_hour,
        previous_close is not null as has_previous,
        sign(bar_return) * amount_share as net_amount,
        sign(previous_return) * previous_amount_share as previous_net_amount,
        case when bar_return > 0 then volume_share else 0 end as buy_volume,
    from measured
),

grouped as (
    select
        *,
        case when has_previous then bar_return end as paired_return,
        case when has_previous then open_price end as paired_open,
        case when has_previous then net_amount end as paired_net_amount,
        case when half_hour = 1 then volume_share end as early_volume,
        case when half_hour = 1 then bar_return end as early_return,
        case when half_hour = 1 then amount_share end as early_amount,
        case when half_hour = 8 then bar_return end as late_return,
    from signed
),

summed as (
    select
        day_number,
        sum(bar_return * bar_return) as return_squares,
        sum(case when bar_return < 0 then bar_return * bar_return else 0 end)
            as down_return_squares,
        {% for half_hour in range(2, 8) -%}
        sum(case when half_hour = {{ half_hour }} then volume_share else 0 end)
            as volume_{{ half_hour }},
        {% endfor -%}
        sum(amount_share) as amount,
        sum(item_count) as items,
        sum(case when bar_return < 0 then amount_share end) as down_amount,
        sum(case when bar_return < 0 then item_count end) as down_items,
        count(*) filter (where bar_return < 0) as down_count,
        sum(case when is_big_single then bar_return else 0 end) as big_single_return,
        sum(case when is_big_amount then bar_return else 0 end) as big_return,
        sum(case when is_big_amount then amount_share else 0 end) as big_amount,
        sum(case when is_big_amount then early_return else 0 end) as early_big_return,
        sum(case when is_big_amount and bar_return > 0 then early_amount else 0 end)
            as early_big_buy,
        sum(case when bar_return > 0 then early_amount else 0 end) as early_buy,
        sum(net_amount * amount_share) as signed_squares,
        {{ moment_sums("late_return", "late_return", fourth=false) }},
        {{ moment_sums("net_amount", "net_amount") }},
        {{ moment_sums("early_amount", "early_amount") }},
        {{ pair_sums("return_last", "paired_return", "previous_return") }},
        {{ pair_sums("close_open", "previous_close", "paired_open") }},
        {{ pair_sums("volume_item", "volume_share", "item_count") }},
        {{ pair_sums("volume_amount", "volume_share", "amount_share") }},
        {{ pair_sums("volume_amplitude", "volume_share", "amplitude") }},
        {{ pair_sums("early_volume_return", "early_volume", "early_return") }},
        {{ pair_sums("net_last", "paired_net_amount", "previous_return") }},
        {{ pair_sums("net_next", "previous_net_amount", "paired_return") }},
        {{ pair_sums("buy_price", "buy_volume", "close_price") }},
    from grouped
    group by day_number
),

judged as (
    select
        summed.*,
        whole_day.security_code,
        whole_day.trade_date,
        whole_day.bar_minutes,
        whole_day.bar_count,
        whole_day.early_bar_count,
        whole_day.late_bar_count,
        whole_day.last_session_minute,
        whole_day.has_items,
        whole_day.is_amount_estimated,
        whole_day.bar_count >= {{ minimum }} as has_day,
        whole_day.early_bar_count >= {{ minimum }} as has_early,
    from summed
    inner join whole_day on summed.day_number = whole_day.day_number
)

select
    trade_date,
    security_code,
    bar_minutes,
    bar_count as active_bar_count,
    early_bar_count,
    late_bar_count,
    last_session_minute,
    has_items,
    is_amount_estimated,
    {{ skewness_of_sums("late_return") }} as late_skew_ret,
    case
        when has_day then {{ safe_divide("down_return_squares", "return_squares") }}
    end as down_vol_perc,
    {{ pair_correlation("return_last") }} as corr_ret_lastret,
    {{ pair_correlation("close_open") }} as corr_close_nextopen,
    {% for half_hour in range(2, 8) -%}
    case when has_day then volume_{{ half_hour }} / 1e9 end
        as volume_perc{{ half_hour }},
    {% endfor -%}
    case
        when has_items then {{ pair_correlation("volume_item") }}
        else {{ pair_correlation("volume_amount") }}
    end as corr_volume_item,
    {{ pair_correlation("early_volume_return") }} as early_corr_volume_ret,
    case
        when has_day
            then if(has_items, big_single_return, big_return) / 1e9
    end as bigorder_ret,
    case
        when has_day
            then
                down_amount / if(has_items, down_items, down_count)
                / (amount / if(has_items, items, bar_count))
    end as down_single_amt_perc,
    {{ pair_correlation("volume_amplitude") }} as corr_volume_amplitude,
    case when has_day then {{ safe_divide("big_amount", "amount") }} end
        as bigorder_amt_perc,
    case
        when has_early then {{ safe_divide("early_big_buy", "early_amount_s1") }}
    end as early_bigorder_buy_perc,
    case when has_day then big_return / 1e9 end as bigorder_ret2,
    case when has_early then early_big_return / 1e9 end as early_active_bigorder_ret,
    case when has_day then signed_squares / 1e18 end as concentration_diff,
    case when has_early then {{ safe_divide("early_buy", "early_amount_s1") }} end
        as early_active_buy_perc,
    {{ pair_correlation("net_last") }} as corr_netactivebuy_lastret,
    {{ pair_correlation("net_next") }} as corr_netactivebuy_nextret,
    {{ skewness_of_sums("net_amount") }} as skew_order_diff,
    {{ kurtosis_of_sums("net_amount") }} as kurt_order_diff,
    {{ kurtosis_of_sums("early_amount") }} as early_kurt_order,
    {{ pair_correlation("buy_price") }} as corr_buyorder_volume_price,
from judged
