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
    from {{ ref("int_trading_day") }}
    where is_loaded
),

window_days as (
    select
        min(day_index) as first_day_index,
        max(day_index) as last_day_index,
    from trading_day
    where {{ in_build_window("trade_date") }}
),

member as (
    select
        index_code,
        security_code,
        day_index,
    from {{ ref("int_microcap_member") }}
    where {{ in_build_window("trade_date", lookback_days=1) }}
),

-- What was held on the last day before the window. A full build starts with nothing.
held_before as (
    {{ held_before(this) }}
),

-- Days on which a share is wanted, because it was a member at the close before, and the
-- day before the window if it was held then.
presence as (
    select
        member.index_code,
        member.security_code,
        member.day_index + 1 as day_index,
    from member
    cross join window_days
    where
        member.day_index + 1
        between window_days.first_day_index and window_days.last_day_index
    union all
    select
        index_code,
        security_code,
        day_index,
    from held_before
),

with_next as (
    select
        presence.index_code,
        presence.security_code,
        presence.day_index + 1 as first_day_index,
        coalesce(
            lead(presence.day_index) over (
                partition by presence.index_code, presence.security_code
                order by presence.day_index
            ) - 1,
            window_days.last_day_index
        ) as last_day_index,
    from presence
    cross join window_days
),

-- Days from one on which the share is no longer wanted to the last one before it is
-- again, or before the data end.
unwanted as (
    select
        index_code,
        security_code,
        first_day_index,
        last_day_index,
    from with_next
    where first_day_index <= last_day_index
),

security_day as (
    select
        security_code,
        trade_date,
        day_index,
        is_suspended,
        daily_return,
        overnight_return,
        intraday_return,
    from {{ ref("int_security_day") }}
    where {{ in_build_window("trade_date") }}
),

limit_open as (
    select
        security_code,
        trade_date,
        opens_at_limit_up,
        opens_at_limit_down,
    from {{ ref("int_tradability_day") }}
    where
        (opens_at_limit_up or opens_at_limit_down)
        and {{ in_build_window("trade_date") }}
),

cannot_be_sold as (
    select
        security_code,
        day_index,
    from security_day
    where is_suspended
    union all
    select
        limit_open.security_code,
        trading_day.day_index,
    from limit_open
    inner join trading_day on limit_open.trade_date = trading_day.trade_date
    where limit_open.opens_at_limit_down
),

-- Most are sold at the first open; only the others need their later days.
unwanted_day as (
    select
        index_code,
        security_code,
        first_day_index as day_index,
    from unwanted
    union all
    select
        unwanted.index_code,
        unwanted.security_code,
        unnest(range(unwanted.first_day_index + 1, unwanted.last_day_index + 1))
            as day_index,
    from unwanted
    semi join cannot_be_sold
        on
            unwanted.security_code = cannot_be_sold.security_code
            and unwanted.first_day_index = cannot_be_sold.day_index
),

flagged as (
    select
        index_code,
        security_code,
        day_index,
        true as was_member,
        false as is_member,
        false as was_held_before,
    from presence
    where day_index >= (select window_days.first_day_index, from window_days)
    union all
    select
        index_code,
        security_code,
        day_index,
        false as was_member,
        true as is_member,
        false as was_held_before,
    from member
    where day_index >= (select window_days.first_day_index, from window_days)
    union all
    select
        index_code,
        security_code,
        day_index,
        false as was_member,
        false as is_member,
        false as was_held_before,
    from unwanted_day
    union all
    select
        index_code,
        security_code,
        day_index,
        false as was_member,
        false as is_member,
        true as was_held_before,
    from held_before
),

position_day as (
    select
        index_code,
        security_code,
        day_index,
        bool_or(was_member) as was_member,
        bool_or(is_member) as is_member,
        bool_or(was_held_before) as was_held_before,
    from flagged
    group by index_code, security_code, day_index
),

-- A share that left the exchange has no row any more: it earns nothing and is given up
-- at its last price.
priced as (
    select
        position_day.index_code,
        trading_day.trade_date,
        position_day.day_index,
        position_day.security_code,
        position_day.was_member,
        position_day.is_member,
        position_day.was_held_before,
        security_day.security_code is null as is_gone,
        coalesce(security_day.is_suspended, true) as is_suspended,
        coalesce(security_day.daily_return, 0) as daily_return,
        coalesce(security_day.overnight_return, 0) as overnight_return,
        coalesce(security_day.intraday_return, 0) as intraday_return,
        coalesce(limit_open.opens_at_limit_up, false) as opens_at_limit_up,
        coalesce(limit_open.opens_at_limit_down, false) as opens_at_limit_down,
    from position_day
    inner join trading_day on position_day.day_index = trading_day.day_index
    left join security_day
        on
            position_day.security_code = security_day.security_code
            and position_day.day_index = security_day.day_index
    left join limit_open
        on
            position_day.security_code = limit_open.security_code
            and trading_day.trade_date = limit_open.trade_date
),

decided as (
    select
        *,
        case
            when was_held_before then true
            when was_member
                then
                    case when not is_suspended and not opens_at_limit_up then true end
            when is_gone or (not is_suspended and not opens_at_limit_down) then false
        end as decision,
    from priced
),

-- The state after an open is the last decision: bought, or sold.
held as (
    select
        *,
        coalesce(last_value(decision ignore nulls) over so_far, false) as is_held,
        coalesce(last_value(decision ignore nulls) over until_yesterday, false)
            as was_held,
    from decided
    window
        so_far as (
            partition by index_code, security_code
            order by day_index
            rows between unbounded preceding and current row
        ),
        until_yesterday as (
            partition by index_code, security_code
            order by day_index
            rows between unbounded preceding and 1 preceding
        )
)

select
    index_code,
    trade_date,
    cast(day_index as integer) as day_index,
    security_code,
    was_member,
    is_member,
    was_held,
    is_held,
    is_suspended,
    daily_return,
    overnight_return,
    intraday_return,
from held
where
    not was_held_before
    and (was_member or is_member or was_held or is_held)
