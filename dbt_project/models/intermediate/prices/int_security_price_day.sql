{{
    config(
        materialized="incremental",
        incremental_strategy="rewrite_window",
        on_schema_change="fail",
    )
}}

with trading_day as (
    select
        trade_date,
        day_index,
        is_loaded,
    from {{ ref("int_trading_day") }}
),

bar as (
    select
        security_code,
        trade_date,
        open_cny,
        high_cny,
        low_cny,
        close_cny,
        previous_close_cny,
        volume_shares,
        amount_cny,
        adjust_factor,
        turnover_ratio,
        {{ is_traded() }} as is_traded,
    from {{ ref("stg_daily_bar") }}
    where
        {{ in_build_window("trade_date", lookback_days=var("float_window_days")) }}
),

state_before as (
    {{ price_state_before(this) }}
),

window_start as (
    select min(day_index) as first_day_index,
    from trading_day
    where {{ in_build_window("trade_date") }}
),

first_traded as (
    select
        bar.security_code,
        min(trading_day.day_index) as first_day_index,
    from bar
    inner join trading_day on bar.trade_date = trading_day.trade_date
    where
        bar.is_traded
        and {{ in_build_window("bar.trade_date") }}
    group by bar.security_code
),

security_start as (
    select
        state_before.security_code,
        window_start.first_day_index,
    from state_before
    cross join window_start
    union all
    select
        first_traded.security_code,
        first_traded.first_day_index,
    from first_traded
    anti join state_before
        on first_traded.security_code = state_before.security_code
),

listing as (
    select
        security.security_code,
        security.board,
        -- Of the days before the calendar begins at least so many were open: six of
        -- ten, less the longest holidays.
        min(trading_day.day_index) filter (
            where trading_day.trade_date >= security.list_date
        )
        - greatest(
            floor(0.6 * (min(trading_day.trade_date) - security.list_date)) - 11, 0
        ) as list_day_index,
        max(trading_day.day_index) filter (
            where
            trading_day.is_loaded
            and (
                security.delist_date is null
                or trading_day.trade_date < security.delist_date
            )
        ) as last_day_index,
    from {{ ref("stg_security") }} as security
    cross join trading_day
    group by security.security_code, security.board, security.list_date
),

lifetime as (
    select
        security_start.security_code,
        security_start.first_day_index,
        listing.board,
        listing.list_day_index,
        unnest(
            range(
                greatest(
                    security_start.first_day_index, window_start.first_day_index
                ),
                listing.last_day_index + 1
            )
        ) as day_index,
    from security_start
    inner join listing on security_start.security_code = listing.security_code
    cross join window_start
    union all
    -- After the market's last loaded day a missing bar says nothing: traded days only.
    select
        bar.security_code,
        security_start.first_day_index,
        listing.board,
        listing.list_day_index,
        trading_day.day_index,
    from bar
    inner join trading_day
        on
            bar.trade_date = trading_day.trade_date
            and not trading_day.is_loaded
    inner join security_start on bar.security_code = security_start.security_code
    inner join listing on bar.security_code = listing.security_code
    where
        bar.is_traded
        and {{ in_build_window("bar.trade_date") }}
),

share_count as (
    select
        security_code,
        valid_from,
        total_shares,
        float_shares,
    from {{ ref("int_share_count") }}
),

-- A count that takes effect on a closed day, or before the first trade, counts from the
-- next day of the panel; of several that fall on one day, the latest.
share_count_day as (
    select
        share_count.security_code,
        greatest(trading_day.day_index, security_start.first_day_index) as day_index,
        arg_max(share_count.total_shares, share_count.valid_from) as total_shares,
        arg_max(share_count.float_shares, share_count.valid_from) as float_shares,
    from share_count
    asof inner join trading_day on share_count.valid_from <= trading_day.trade_date
    inner join security_start
        on share_count.security_code = security_start.security_code
    group by
        share_count.security_code,
        greatest(trading_day.day_index, security_start.first_day_index)
),

float_report as (
    select
        security_code,
        min(valid_from) as reported_from,
    from share_count
    where float_shares is not null
    group by security_code
),

-- Only until the vendor reports the float itself.
float_estimate as (
    select
        bar.security_code,
        bar.trade_date,
        median(bar.volume_shares / bar.turnover_ratio) over (
            partition by bar.security_code
            order by trading_day.day_index
            range between {{ var("float_window_days") - 1 }} preceding and current row
        ) as float_shares,
    from bar
    inner join trading_day on bar.trade_date = trading_day.trade_date
    left join float_report on bar.security_code = float_report.security_code
    where
        bar.is_traded
        and bar.turnover_ratio > 0
        and bar.trade_date < coalesce(float_report.reported_from, date '9999-12-31')
),

panel as (
    select
        lifetime.security_code,
        trading_day.trade_date,
        lifetime.day_index,
        lifetime.board,
        lifetime.list_day_index,
        bar.previous_close_cny,
        bar.adjust_factor,
        share_count_day.total_shares,
        coalesce(
            share_count_day.float_shares, float_estimate.float_shares
        ) as float_shares,
        coalesce(
            trading_day.trade_date >= float_report.reported_from, false
        ) as is_float_reported,
        case when bar.is_traded then bar.open_cny end as open_cny,
        case when bar.is_traded then bar.high_cny end as high_cny,
        case when bar.is_traded then bar.low_cny end as low_cny,
        case when bar.is_traded then bar.close_cny end as close_cny,
        case when bar.is_traded then bar.volume_shares end as volume_shares,
        case when bar.is_traded then bar.amount_cny end as amount_cny,
        case
            when bar.is_traded then bar.close_cny * bar.adjust_factor
        end as adjusted_close,
        cast(bar.is_traded as integer) as traded_days,
    from lifetime
    inner join trading_day on lifetime.day_index = trading_day.day_index
    left join bar
        on
            lifetime.security_code = bar.security_code
            and trading_day.trade_date = bar.trade_date
    left join share_count_day
        on
            lifetime.security_code = share_count_day.security_code
            and lifetime.day_index = share_count_day.day_index
    left join float_estimate
        on
            lifetime.security_code = float_estimate.security_code
            and trading_day.trade_date = float_estimate.trade_date
    left join float_report on lifetime.security_code = float_report.security_code
    union all by name
    select
        security_code,
        day_index,
        adjusted_close,
        adjust_factor,
        traded_days,
        total_shares,
        float_shares,
        is_float_reported,
    from state_before
),

-- One sort serves both frames; lag() over carried columns would need a second.
carried as (
    select
        security_code,
        trade_date,
        day_index,
        board,
        list_day_index,
        open_cny,
        high_cny,
        low_cny,
        close_cny,
        previous_close_cny,
        volume_shares,
        amount_cny,
        is_float_reported,
        {% for column in [
            "adjusted_close", "adjust_factor", "total_shares", "float_shares"
        ] -%}
        last_value({{ column }} ignore nulls) over so_far as {{ column }},
        last_value({{ column }} ignore nulls) over until_yesterday
            as previous_{{ column }},
        {% endfor -%}
        sum(traded_days) over so_far as traded_days,
        lag(is_float_reported) over so_far as was_float_reported,
    from panel
    window
        so_far as (
            partition by security_code
            order by day_index
            rows between unbounded preceding and current row
        ),
        until_yesterday as (
            partition by security_code
            order by day_index
            rows between unbounded preceding and 1 preceding
        )
)

select
    trade_date,
    security_code,
    board,
    cast(day_index as integer) as day_index,
    cast(day_index - list_day_index + 1 as integer) as listed_days,
    cast(traded_days as integer) as traded_days,
    open_cny,
    high_cny,
    low_cny,
    close_cny,
    coalesce(
        previous_close_cny, round(previous_adjusted_close / adjust_factor, 2)
    ) as reference_close_cny,
    adjust_factor,
    adjusted_close,
    previous_adjusted_close,
    round(previous_adjusted_close / previous_adjust_factor, 4)
        as previous_last_close_cny,
    volume_shares,
    amount_cny,
    total_shares,
    float_shares,
    is_float_reported,
    previous_total_shares,
    previous_float_shares,
    previous_float_shares is not null and was_float_reported as was_float_reported,
from carried
where trade_date is not null
