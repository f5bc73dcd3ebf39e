{{ config(materialized="view") }}

{%- set window = var("style_windows") %}
{%- set year = window.year_days %}
{%- set quarter = window.quarter_days %}
{%- set month = window.month_days %}
{%- set value_days = window.value_days %}
{%- set short = window.short_days %}

with trading_day as (
    select
        trade_date,
        trade_week,
        is_week_end
        and is_week_complete
        and {{ in_build_window("trade_date") }} as is_evaluated,
    from {{ ref("int_trading_day") }}
),

free_float as (
    select
        security_code,
        valid_from,
        free_float_shares,
    from {{ ref("stg_share_capital") }}
    where free_float_shares is not null
),

panel as (
    select
        security_day.security_code,
        security_day.day_index,
        trading_day.trade_week,
        trading_day.is_evaluated,
        security_day.last_close_cny,
        security_day.total_shares,
        security_day.total_cap_cny,
        case
            when not security_day.is_suspended then security_day.amount_cny
        end as amount_cny,
        case
            when not security_day.is_suspended
                then
                    abs(security_day.daily_return)
                    / nullif(security_day.amount_cny, 0)
        end as price_impact,
        -- Nothing is traded on a suspended day: its turnover is zero, not unknown.
        case
            when security_day.is_suspended then 0
            else security_day.volume_shares
        end as volume_shares,
        security_day.float_shares,
    from {{ ref("int_security_day") }} as security_day
    inner join trading_day on security_day.trade_date = trading_day.trade_date
    where
        {{
            in_build_window(
                "security_day.trade_date",
                lookback_days=[year, quarter, value_days] | max,
            )
        }}
),

turnover as (
    select
        *,
        volume_shares / nullif(total_shares, 0) as total_turnover,
        volume_shares / nullif(float_shares, 0) as float_turnover,
        {{ frame_start(short) }} as short_start,
        {{ frame_start(value_days) }} as value_start,
        {{ frame_start(month) }} as month_start,
        {{ frame_start(quarter) }} as quarter_start,
        {{ frame_start(year) }} as year_start,
    from panel
),

summed as (
    select
        trade_week,
        security_code,
        last_close_cny,
        total_cap_cny,
        total_shares,
        count(price_impact) over past_values as impact_count,
        {{ frame_sum("price_impact", 30, "past_values") }} as impact_sum,
        count(amount_cny) over past_values as amount_count,
        {{ frame_sum("amount_cny", 4, "past_values") }} as amount_sum,
        {{ whole_frame_sum("total_turnover", short, "past_short") }} as turnover_10d,
        {{ whole_frame_sum("float_turnover", month, "past_month") }} as turnover_1m,
        {{ whole_frame_sum("float_turnover", quarter, "past_quarter") }} as turnover_3m,
        {{ whole_frame_sum("float_turnover", year, "past_year") }} as turnover_12m,
    from turnover
    window
        past_short as (
            partition by security_code
            order by day_index
            rows between short_start preceding and current row
        ),
        past_values as (
            partition by security_code
            order by day_index
            rows between value_start preceding and current row
        ),
        past_month as (
            partition by security_code
            order by day_index
            rows between month_start preceding and current row
        ),
        past_quarter as (
            partition by security_code
            order by day_index
            rows between quarter_start preceding and current row
        ),
        past_year as (
            partition by security_code
            order by day_index
            rows between year_start preceding and current row
        )
    qualify is_evaluated
),

with_free_float as (
    select
        summed.*,
        free_float.free_float_shares / nullif(summed.total_shares, 0)
            as free_float_ratio,
    from summed
    asof left join free_float
        on
            summed.security_code = free_float.security_code
            and summed.trade_week >= free_float.valid_from
)

select
    trade_week,
    security_code,
    last_close_cny as unadjusted_price,
    nullif(total_cap_cny, 0) as total_cap_cny,
    ln(nullif(total_cap_cny, 0)) as log_market_cap,
    free_float_ratio,
    case
        when impact_count >= {{ window.minimum_share }} * {{ value_days }}
            then impact_sum / impact_count
    end as illiquidity,
    case
        when amount_count >= {{ window.minimum_share }} * {{ value_days }}
            then amount_sum / amount_count
    end as traded_value,
    turnover_10d as turnover_10d_total,
    -- On the free float of the week's end: shares that double on an ex-day within the
    -- ten days double in both counts.
    turnover_10d / nullif(free_float_ratio, 0) as turnover_10d_float,
    -- Per month, so that the three are of one order.
    ln(nullif(turnover_1m, 0)) as turnover_1m_log,
    ln(nullif(turnover_3m, 0) * {{ month }} / {{ quarter }}) as turnover_3m_log,
    ln(nullif(turnover_12m, 0) * {{ month }} / {{ year }}) as turnover_12m_log,
from with_free_float
