{{
    config(
        materialized="incremental",
        incremental_strategy="rewrite_window",
        on_schema_change="fail",
    )
}}

with security_day as (
    select
        trade_date,
        security_code,
        board,
        listed_days,
        is_suspended,
        {{ ticks("reference_close_cny") }} as reference_ticks,
        {{ ticks("open_cny") }} as open_ticks,
        {{ ticks("high_cny") }} as high_ticks,
        {{ ticks("low_cny") }} as low_ticks,
        {{ ticks("close_cny") }} as close_ticks,
    from {{ ref("int_security_day") }}
    where {{ in_build_window("trade_date") }}
),

st_range as (
    select
        st_range.security_code,
        st_range.valid_from,
        coalesce(st_range.valid_to, date '9999-12-31') as valid_to,
        st_range.is_st,
        st_range.is_delisting_period,
        st_range.st_source,
        trading_day.trade_date as first_trade_date,
    from {{ ref("int_st_range") }} as st_range
    asof left join {{ ref("int_trading_day") }} as trading_day
        on st_range.valid_from <= trading_day.trade_date
),

report_start as (
    select min(valid_from) as reported_from,
    from st_range
    where st_source = 'reported'
),

loaded_limit as (
    select
        security_code,
        trade_date,
        {{ ticks("limit_up_cny") }} as up_ticks,
        {{ ticks("limit_down_cny") }} as down_ticks,
    from {{ ref("stg_price_limit") }}
    where {{ in_build_window("trade_date") }}
),

board_rule as (
    select
        board,
        is_st,
        valid_from,
        coalesce(valid_to, date '9999-12-31') as valid_to,
        limit_percent,
    from {{ ref("price_limit_rule") }}
),

listing_rule as (
    select
        security.security_code,
        rule.last_listed_day,
        rule.limit_up_percent,
        rule.limit_down_percent,
    from {{ ref("stg_security") }} as security
    inner join {{ ref("price_limit_listing_rule") }} as rule
        on
            security.board = rule.board
            and security.list_date >= rule.listed_from
            and security.list_date < coalesce(rule.listed_to, date '9999-12-31')
),

with_status as (
    select
        security_day.*,
        coalesce(st_range.is_st, false) as is_st,
        coalesce(st_range.is_delisting_period, false) as is_delisting_period,
        case
            when security_day.trade_date >= report_start.reported_from then 'reported'
            else 'inferred'
        end as st_source,
        coalesce(
            st_range.is_delisting_period
            and security_day.trade_date = st_range.first_trade_date,
            false
        ) as is_first_delisting_day,
    from security_day
    cross join report_start
    left join st_range
        on
            security_day.security_code = st_range.security_code
            and security_day.trade_date >= st_range.valid_from
            and security_day.trade_date < st_range.valid_to
),

with_rule as (
    select
        with_status.*,
        loaded_limit.security_code is not null as is_limit_loaded,
        loaded_limit.up_ticks as loaded_up_ticks,
        loaded_limit.down_ticks as loaded_down_ticks,
        coalesce(
            with_status.listed_days <= listing_rule.last_listed_day, false
        ) as is_under_listing_rule,
        case
            when with_status.listed_days <= listing_rule.last_listed_day
                then listing_rule.limit_up_percent
            when not with_status.is_first_delisting_day then board_rule.limit_percent
        end as up_percent,
        case
            when with_status.listed_days <= listing_rule.last_listed_day
                then listing_rule.limit_down_percent
            when not with_status.is_first_delisting_day then board_rule.limit_percent
        end as down_percent,
    from with_status
    left join loaded_limit
        on
            with_status.security_code = loaded_limit.security_code
            and with_status.trade_date = loaded_limit.trade_date
    left join board_rule
        on
            with_status.board = board_rule.board
            and with_status.is_st = board_rule.is_st
            and with_status.trade_date >= board_rule.valid_from
            and with_status.trade_date < board_rule.valid_to
    left join listing_rule
        on with_status.security_code = listing_rule.security_code
),

with_limit as (
    select
        *,
        case
            when is_limit_loaded then loaded_up_ticks
            else {{ limit_ticks("reference_ticks", "up_percent", "up") }}
        end as up_ticks,
        case
            when is_limit_loaded then loaded_down_ticks
            else {{ limit_ticks("reference_ticks", "down_percent", "down") }}
        end as down_ticks,
    from with_rule
),

with_source as (
    select
        *,
        case
            when is_suspended then null
            when is_limit_loaded then 'loaded'
            when up_percent is null then 'no_limit'
            when reference_ticks is null then null
            when high_ticks > up_ticks or low_ticks < down_ticks then 'contradicted'
            else 'rule'
        end as limit_source,
    from with_limit
),

in_force as (
    select
        *,
        case when limit_source in ('loaded', 'rule') then up_ticks end as limit_up,
        case when limit_source in ('loaded', 'rule') then down_ticks end as limit_down,
    from with_source
)

select
    trade_date,
    security_code,
    is_suspended,
    is_st,
    st_source,
    is_delisting_period,
    listed_days,
    cast(limit_up / 100 as double) as limit_up_cny,
    cast(limit_down / 100 as double) as limit_down_cny,
    limit_source,
    cast(coalesce(open_ticks >= limit_up, false) as boolean) as opens_at_limit_up,
    cast(coalesce(open_ticks <= limit_down, false) as boolean) as opens_at_limit_down,
    cast(coalesce(close_ticks >= limit_up, false) as boolean) as closes_at_limit_up,
    cast(coalesce(close_ticks <= limit_down, false) as boolean) as closes_at_limit_down,
    cast(coalesce(high_ticks >= limit_up, false) as boolean) as touches_limit_up,
    cast(coalesce(low_ticks <= limit_down, false) as boolean) as touches_limit_down,
    -- Touched is not out of reach: only a board of one price leaves nothing to trade.
    cast(
        coalesce(
            high_ticks = low_ticks
            and (low_ticks >= limit_up or high_ticks <= limit_down),
            false
        ) as boolean
    ) as is_one_price_limit,
from in_force
