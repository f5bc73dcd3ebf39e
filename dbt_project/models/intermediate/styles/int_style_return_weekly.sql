{{ config(materialized="view") }}

{%- set window = var("style_windows") %}
{%- set year = window.year_days %}
{%- set month = window.month_days %}
{%- set era = window.era_days %}
{%- set minimum = window.minimum_share %}
{%- set range_days = month * window.range_months %}
{%- set past_levels = [] %}
{%- for number in range(1, window.range_months + 1) %}
    {%- do past_levels.append(
        "lag(log_excess_level, " ~ number * month ~ ") over by_day"
    ) %}
{%- endfor %}
{#- Weights of half-lives count from the start of an era, in which they stay below 2^25;
    20 decimals then hold squares of returns of 1e-10. -#}
{%- set scale = 20 %}

with trading_day as (
    select
        trade_date,
        trade_week,
        is_week_end
        and is_week_complete
        and {{ in_build_window("trade_date") }} as is_evaluated,
    from {{ ref("int_trading_day") }}
),

market as (
    select
        trade_date,
        market_return,
        risk_free_return,
        risk_free_log_sum,
    from {{ ref("int_market_return_daily") }}
),

panel as (
    select
        security_day.security_code,
        security_day.day_index,
        security_day.adjusted_close,
        security_day.is_suspended,
        trading_day.trade_week,
        trading_day.is_evaluated,
        market.market_return,
        market.risk_free_return,
        -- Price over the growth of a deposit: its log differences are excess returns.
        ln(security_day.adjusted_close) - market.risk_free_log_sum as log_excess_level,
        -- A suspended day has no return. A price a thousand times the last one is an
        -- error of the data, and its square would break the sums.
        case
            when
                not security_day.is_suspended
                and abs(security_day.daily_return) < 1000
                then security_day.daily_return
        end as stock_return,
    from {{ ref("int_security_day") }} as security_day
    inner join trading_day on security_day.trade_date = trading_day.trade_date
    inner join market on security_day.trade_date = market.trade_date
    where
        {{
            in_build_window(
                "security_day.trade_date",
                lookback_days=[year, range_days, window.short_days] | max + 1,
            )
        }}
),

excess as (
    select
        *,
        stock_return - risk_free_return as excess_return,
        {{ frame_start(year) }} as year_start,
        {{ frame_start(year, until=month) }} as momentum_start,
    from panel
),

over_a_year as (
    select
        trade_week,
        security_code,
        day_index,
        count(*) over past_year as listed_count,
        count(*) filter (where not is_suspended) over past_year as traded_count,
        count(stock_return) over past_year as return_count,
        {{ frame_sum("stock_return", 18, "past_year") }} as return_sum,
        {{ frame_sum("stock_return * stock_return", 20, "past_year") }} as square_sum,
        count(excess_return) over before_last_month as momentum_count,
        {{ frame_sum("excess_return", 18, "before_last_month") }} as momentum_sum,
        adjusted_close / lag(adjusted_close, {{ window.short_days }}) over by_day
        - 1 as return_10d,
        log_excess_level,
        lag(log_excess_level, {{ range_days }}) over by_day is not null
            as is_range_known,
        least({{ past_levels | join(", ") }}) as least_past_level,
        greatest({{ past_levels | join(", ") }}) as greatest_past_level,
    from excess
    window
        by_day as (
            partition by security_code
            order by day_index
        ),
        past_year as (
            partition by security_code
            order by day_index
            rows between year_start preceding and current row
        ),
        before_last_month as (
            partition by security_code
            order by day_index
            rows between momentum_start preceding and {{ month }} preceding
        )
    qualify is_evaluated
),

-- Days of the year before an era belong to it too, so that a window lies in one era.
day_of_eras as (
    select
        security_code,
        day_index,
        is_evaluated,
        stock_return,
        market_return,
        excess_return,
        unnest(
            range(
                day_index // {{ era }}, (day_index + {{ year - 1 }}) // {{ era }} + 1
            )
        ) as era,
    from excess
),

era_day as (
    select
        security_code,
        day_index,
        era,
        is_evaluated and era = day_index // {{ era }} as is_evaluated,
        stock_return,
        market_return,
        excess_return,
        case
            when stock_return is not null and market_return is not null
                then
                    power(
                        2, (day_index - era * {{ era }}) / {{ window.beta_half_life }}
                    )
        end as beta_weight,
        case
            when excess_return is not null
                then
                    power(
                        2,
                        (day_index - era * {{ era }})
                        / {{ window.volatility_half_life }}
                    )
        end as volatility_weight,
    from day_of_eras
),

framed as (
    select
        *,
        {{ frame_start(year) }} as year_start,
    from era_day
),

weighted as (
    select
        security_code,
        day_index,
        count(beta_weight) over past_year as beta_count,
        count(volatility_weight) over past_year as excess_count,
        {% for name, expression in {
            "w": "beta_weight",
            "wm": "beta_weight * market_return",
            "ws": "beta_weight * stock_return",
            "wmm": "beta_weight * market_return * market_return",
            "wms": "beta_weight * market_return * stock_return",
            "wss": "beta_weight * stock_return * stock_return",
            "v": "volatility_weight",
            "ve": "volatility_weight * excess_return",
            "vee": "volatility_weight * excess_return * excess_return",
        }.items() -%}
        {{ frame_sum(expression, scale, "past_year") }} as {{ name }},
        {% endfor %}
    from framed
    window
        past_year as (
            partition by security_code, era
            order by day_index
            rows between year_start preceding and current row
        )
    qualify is_evaluated
),

regressed as (
    select
        security_code,
        day_index,
        beta_count,
        excess_count,
        (wms - wm * ws / w) / nullif(wmm - wm * wm / w, 0) as slope,
        (wms - wm * ws / w) as cross_square,
        wss - ws * ws / w as stock_square,
        w,
        sqrt(greatest(vee - ve * ve / v, 0) / v) as excess_volatility,
    from weighted
)

select
    over_a_year.trade_week,
    over_a_year.security_code,
    case
        when over_a_year.return_count >= {{ minimum }} * {{ year }}
            then
                sqrt(
                    greatest(
                        over_a_year.square_sum
                        - over_a_year.return_sum * over_a_year.return_sum
                        / over_a_year.return_count,
                        0
                    )
                    / (over_a_year.return_count - 1)
                )
    end as volatility_1y,
    case
        when regressed.excess_count >= {{ minimum }} * {{ year }}
            then regressed.excess_volatility
    end as excess_volatility,
    -- A loss of more than 63% in logs has no logarithm of 1 + Z: NULL.
    case
        when
            over_a_year.is_range_known
            and 1 + over_a_year.log_excess_level - over_a_year.greatest_past_level > 0
            then
                ln(1 + over_a_year.log_excess_level - over_a_year.least_past_level)
                - ln(
                    1 + over_a_year.log_excess_level - over_a_year.greatest_past_level
                )
    end as cumulative_range,
    case
        when regressed.beta_count >= {{ minimum }} * {{ year }} then regressed.slope
    end as beta,
    case
        when regressed.beta_count >= {{ minimum }} * {{ year }}
            then
                sqrt(
                    greatest(
                        regressed.stock_square
                        - regressed.slope * regressed.cross_square,
                        0
                    )
                    / regressed.w
                )
    end as beta_residual_volatility,
    case
        when over_a_year.momentum_count >= {{ minimum }} * {{ year - month }}
            then over_a_year.momentum_sum / over_a_year.momentum_count
    end as momentum,
    over_a_year.return_10d,
    case
        when over_a_year.listed_count >= {{ minimum }} * {{ year }}
            then 1 - over_a_year.traded_count / over_a_year.listed_count
    end as non_trading_share,
from over_a_year
inner join regressed
    on
        over_a_year.security_code = regressed.security_code
        and over_a_year.day_index = regressed.day_index
