{{
    config(
        materialized="incremental",
        incremental_strategy="rewrite_window",
        on_schema_change="fail",
    )
}}

-- The micro-cap index with special treatment let in. Whoever is among the smallest then
-- is among the smallest without it, or under it.
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
        and not is_delisting_period
),

st_day as (
    select
        microcap_index.index_code,
        microcap_index.member_count,
        security_day.trade_date,
        security_day.day_index,
        security_day.security_code,
        security_day.total_cap_cny as market_cap_cny,
    from {{ ref("int_security_day") }} as security_day
    inner join st_range
        on
            security_day.security_code = st_range.security_code
            and security_day.trade_date >= st_range.valid_from
            and security_day.trade_date < st_range.valid_to
    inner join microcap_index
        on
            list_contains(microcap_index.boards, security_day.board)
            and security_day.listed_days > microcap_index.minimum_listed_days
    where
        security_day.total_cap_cny is not null
        and security_day.trade_date <= (
            select max(trading_day.trade_date),
            from {{ ref("int_trading_day") }} as trading_day
            where trading_day.is_loaded
        )
        and {{ in_build_window("security_day.trade_date") }}
),

united as (
    select
        index_code,
        member_count,
        trade_date,
        day_index,
        security_code,
        market_cap_cny,
    from st_day
    union all
    select
        member.index_code,
        microcap_index.member_count,
        member.trade_date,
        member.day_index,
        member.security_code,
        member.market_cap_cny,
    from {{ ref("int_microcap_member") }} as member
    inner join microcap_index on member.index_code = microcap_index.index_code
    where {{ in_build_window("member.trade_date") }}
),

ranked as (
    select
        *,
        row_number() over (
            partition by index_code, trade_date
            order by market_cap_cny asc, security_code asc
        ) as market_cap_rank,
    from united
)

select
    index_code,
    trade_date,
    day_index,
    security_code,
from ranked
where market_cap_rank <= member_count
