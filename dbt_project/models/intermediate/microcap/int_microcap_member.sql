{{
    config(
        materialized="incremental",
        incremental_strategy="rewrite_window",
        on_schema_change="fail",
    )
}}

with microcap_index as (
    select
        index_code,
        member_count,
        cap,
        string_split(boards, '|') as boards,
        minimum_listed_days,
    from {{ ref("microcap_index") }}
),

st_range as (
    select
        security_code,
        valid_from,
        coalesce(valid_to, date '9999-12-31') as valid_to,
    from {{ ref("int_st_range") }}
    where
        is_st
        or is_delisting_period
),

-- A day more than the window: whether a member is new, the day before says.
security_day as (
    select
        trade_date,
        security_code,
        day_index,
        board,
        listed_days,
        total_cap_cny,
        float_cap_cny,
    from {{ ref("int_security_day") }}
    where
        trade_date <= (
            select max(trading_day.trade_date),
            from {{ ref("int_trading_day") }} as trading_day
            where trading_day.is_loaded
        )
        and {{ in_build_window("trade_date", lookback_days=1) }}
),

ordinary as (
    select security_day.*,
    from security_day
    anti join st_range
        on
            security_day.security_code = st_range.security_code
            and security_day.trade_date >= st_range.valid_from
            and security_day.trade_date < st_range.valid_to
),

eligible as (
    select
        microcap_index.index_code,
        microcap_index.member_count,
        ordinary.trade_date,
        ordinary.day_index,
        ordinary.security_code,
        case microcap_index.cap
            when 'total_cap' then ordinary.total_cap_cny
            when 'float_cap' then ordinary.float_cap_cny
        end as market_cap_cny,
    from ordinary
    inner join microcap_index
        on
            list_contains(microcap_index.boards, ordinary.board)
            and ordinary.listed_days > microcap_index.minimum_listed_days
),

-- Equal caps are told apart by the code, or the members would depend on chance.
ranked as (
    select
        index_code,
        member_count,
        trade_date,
        day_index,
        security_code,
        market_cap_cny,
        row_number() over (
            partition by index_code, trade_date
            order by market_cap_cny asc, security_code asc
        ) as market_cap_rank,
    from eligible
    where market_cap_cny is not null
),

member as (
    select
        index_code,
        trade_date,
        day_index,
        security_code,
        market_cap_cny,
        market_cap_rank,
        lag(day_index) over (
            partition by index_code, security_code
            order by day_index
        ) as previous_day_index,
    from ranked
    where market_cap_rank <= member_count
)

select
    index_code,
    trade_date,
    day_index,
    security_code,
    market_cap_cny,
    cast(market_cap_rank as integer) as market_cap_rank,
    cast(
        previous_day_index is distinct from day_index - 1 as boolean
    ) as is_new,
from member
where {{ in_build_window("trade_date") }}
