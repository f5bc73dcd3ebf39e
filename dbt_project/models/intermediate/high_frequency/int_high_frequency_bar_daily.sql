{{
    config(
        materialized="incremental",
        incremental_strategy="rewrite_window",
        on_schema_change="fail",
    )
}}

{%- set minimum = var("high_frequency_minimum_bars") %}

-- One scan. Bars without a trade are as if they were not there: some vendors leave them
-- out, others repeat the price.
with bar as (
    select
        security_code,
        trade_date,
        bar_minutes,
        session_minute,
        {{ ten_thousandths("open_cny") }} as open_price,
        {{ ten_thousandths("high_cny - low_cny") }} as price_range,
        {{ ten_thousandths("close_cny") }} as close_price,
        cast(volume_shares as bigint) as volume,
        {{ ten_thousandths("amount_cny") }} as amount,
        {{ ten_thousandths("amount_cny / trade_count") }} as single_amount,
        cast(trade_count as bigint) as item_count,
        is_amount_estimated,
    from {{ ref("int_minute_bar") }}
    where
        is_active
        and {{ in_build_window("bar_time") }}
),

-- The bar before lies in the same half of the day or is not looked at: no return across
-- lunch, none from the auction. Bars outside of the sessions count in the volume only.
neighboured as (
    select
        *,
        case
            when {{ is_same_half("session_minute", 1, "by_time") }}
                then lag(close_price) over by_time
        end as previous_close,
        case
            when {{ is_same_half("session_minute", 2, "by_time") }}
                then lag(close_price, 2) over by_time
        end as close_before_previous,
        lag(open_price) over by_time as previous_open,
        lag(amount) over by_time as previous_amount,
        sum(volume) over whole_day as day_volume,
        -- Bars of an auction have no minute of the session.
        count(session_minute) over whole_day as bar_count,
        sum(amount) filter (
            where session_minute is not null
        ) over whole_day as day_amount,
        sum(cast(amount as hugeint) * amount) filter (
            where session_minute is not null
        ) over whole_day as day_amount_squares,
        sum(single_amount) filter (
            where session_minute is not null
        ) over whole_day as single_sum,
        sum(cast(single_amount as hugeint) * single_amount) filter (
            where session_minute is not null
        ) over whole_day as single_squares,
    from bar
    window
        by_time as (
            partition by security_code, trade_date
            order by session_minute
        ),
        whole_day as (
            partition by security_code, trade_date
            order by session_minute
            rows between unbounded preceding and unbounded following
        )
),

measured as (
    select
        *,
        {{ billionths("close_price / coalesce(previous_close, open_price) - 1") }}
            as bar_return,
        case
            when previous_close is not null
                then
                    {{
                        billionths(
                            "previous_close "
                            "/ coalesce(close_before_previous, previous_open) - 1"
                        )
                    }}
        end as previous_return,
        {{ billionths("price_range / open_price") }} as amplitude,
        {{ billionths("volume / day_volume", is_bounded=true) }} as volume_share,
        {{ billionths("amount / day_amount", is_bounded=true) }} as amount_share,
        {{ billionths("previous_amount / day_amount", is_bounded=true) }}
            as previous_amount_share,
        {{ is_big("amount", "bar_count", "day_amount", "day_amount_squares") }}
            as is_big_amount,
        {{ is_big("single_amount", "bar_count", "single_sum", "single_squares") }}
            as is_big_single,
    from neighboured
    where session_minute is not null
),

signed as (
    select
        *,
        session_minute <= 30 as is_early,
        session_minute > 210 as is_late,
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
        case when is_early then volume_share end as early_volume,
        case when is_early then bar_return end as early_return,
        case when is_early then amount_share end as early_amount,
        case when is_late then bar_return end as late_return,
    from signed
),

summed as (
    select
        security_code,
        trade_date,
        max(bar_minutes) as bar_minutes,
        count(*) as active_bar_count,
        count(*) filter (where is_early) as early_bar_count,
        count(*) filter (where is_late) as late_bar_count,
        max(session_minute) as last_session_minute,
        count(item_count) = count(*) as has_items,
        bool_or(is_amount_estimated) as is_amount_estimated,
        sum(bar_return * bar_return) as return_squares,
        sum(case when bar_return < 0 then bar_return * bar_return else 0 end)
            as down_return_squares,
        {% for half_hour in range(2, 8) -%}
        sum(
            case
                when
                    session_minute > {{ 30 * half_hour - 30 }}
                    and session_minute <= {{ 30 * half_hour }}
                    then volume_share
                else 0
            end
        ) as volume_{{ half_hour }},
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
    group by security_code, trade_date
),

judged as (
    select
        *,
        active_bar_count >= {{ minimum }} as has_day,
        early_bar_count >= {{ minimum }} as has_early,
    from summed
)

select
    trade_date,
    security_code,
    bar_minutes,
    active_bar_count,
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
                / (amount / if(has_items, items, active_bar_count))
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
