-- The micro-cap index of those who stayed: what leaves the exchange later is never a
-- member. It knows the future on purpose, to measure what such data are worth, and
-- nothing but the rule ledger may read it.
with microcap_index as (
    select
        index_code,
        member_count,
        minimum_listed_days,
        string_split(boards, '|') as boards,
    from {{ ref("microcap_index") }}
    where index_code = '{{ var("ledger_index") }}'
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

-- Numbered: eight million rows are sorted, and a code takes longer than its number.
stayed as (
    select
        security_code,
        cast(row_number() over (order by security_code) as integer) as security_number,
    from {{ ref("stg_security") }}
    where delist_date is null
),

security_day as (
    select
        security_day.trade_date,
        security_day.day_index,
        security_day.security_code,
        stayed.security_number,
        security_day.board,
        security_day.listed_days,
        security_day.total_cap_cny,
    from {{ ref("int_security_day") }} as security_day
    inner join stayed on security_day.security_code = stayed.security_code
    anti join st_range
        on
            security_day.security_code = st_range.security_code
            and security_day.trade_date >= st_range.valid_from
            and security_day.trade_date < st_range.valid_to
    where
        security_day.total_cap_cny is not null
        and security_day.trade_date <= (
            select max(trading_day.trade_date),
            from {{ ref("int_trading_day") }} as trading_day
            where trading_day.is_loaded
        )
),

eligible as (
    select
        microcap_index.index_code,
        microcap_index.member_count,
        security_day.trade_date,
        security_day.day_index,
        security_day.security_code,
        security_day.security_number,
        security_day.total_cap_cny,
    from security_day
    inner join microcap_index
        on
            list_contains(microcap_index.boards, security_day.board)
            and security_day.listed_days > microcap_index.minimum_listed_days
),

-- The largest cap that can be a member's: most rows need not be sorted.
largest as (
    select
        day_index,
        list_last(min(total_cap_cny, member_count)) as total_cap_cny,
    from eligible
    group by day_index
),

ranked as (
    select
        eligible.index_code,
        eligible.member_count,
        eligible.trade_date,
        eligible.day_index,
        eligible.security_code,
        row_number() over (
            partition by eligible.day_index
            order by eligible.total_cap_cny asc, eligible.security_number asc
        ) as market_cap_rank,
    from eligible
    inner join largest
        on
            eligible.day_index = largest.day_index
            and eligible.total_cap_cny <= largest.total_cap_cny
)

select
    index_code,
    trade_date,
    day_index,
    security_code,
from ranked
where market_cap_rank <= member_count
