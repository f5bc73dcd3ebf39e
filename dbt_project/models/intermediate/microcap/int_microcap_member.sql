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
        is_st_excluded,
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

with_status as (
    select
        security_day.*,
        st_range.security_code is not null as is_special,
    from security_day
    left join st_range
        on
            security_day.security_code = st_range.security_code
            and security_day.trade_date >= st_range.valid_from
            and security_day.trade_date < st_range.valid_to
),

eligible as (
    select
        microcap_index.index_code,
        microcap_index.member_count,
        with_status.trade_date,
        with_status.day_index,
        with_status.security_code,
        case microcap_index.cap
            when 'total_cap' then with_status.total_cap_cny
            when 'float_cap' then with_status.float_cap_cny
        end as market_cap_cny,
    from with_status
    inner join microcap_index
        on
            list_contains(microcap_index.boards, with_status.board)
            and with_status.listed_days > microcap_index.minimum_listed_days
    where
        not (microcap_index.is_st_excluded and with_status.is_special)
),

-- The largest cap that can be a member's: most rows need not be sorted.
largest as (
    select
        index_code,
        trade_date,
        list_last(min(market_cap_cny, member_count)) as market_cap_cny,
    from eligible
    where market_cap_cny is not null
    group by index_code, trade_date
),

-- Equal caps are told apart by the code, or the members would depend on chance.
ranked as (
    select
        eligible.index_code,
        eligible.member_count,
        eligible.trade_date,
        eligible.day_index,
        eligible.security_code,
        eligible.market_cap_cny,
        row_number() over (
            partition by eligible.index_code, eligible.trade_date
            order by eligible.market_cap_cny asc, eligible.security_code asc
        ) as market_cap_rank,
    from eligible
    inner join largest
        on
            eligible.index_code = largest.index_code
            and eligible.trade_date = largest.trade_date
            and eligible.market_cap_cny <= largest.market_cap_cny
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
