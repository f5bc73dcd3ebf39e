{{
    config(
        materialized="incremental",
        incremental_strategy="rewrite_window",
        on_schema_change="fail",
        meta={"window_column": "trade_week"},
    )
}}

{%- set universes = var("factor_index_universes") %}
{%- set minimum_share = var("factor_index_minimum_share") %}

with complete_week as (
    select trade_week,
    from {{ ref("int_trading_day") }}
    where
        is_week_end
        and is_week_complete
),

status as (
    select
        trade_date,
        security_code,
        listed_days > {{ var("factor_minimum_listed_days") }}
        and not is_st
        and not is_delisting_period as is_in_all,
        not is_suspended as is_traded,
    from {{ ref("int_tradability_day") }}
    where {{ in_build_window("trade_date") }}
),

index_member as (
    select
        complete_week.trade_week,
        index_range.index_code,
        index_range.security_code,
    from {{ ref("int_index_member") }} as index_range
    inner join complete_week
        on
            index_range.valid_from <= complete_week.trade_week
            and coalesce(index_range.valid_to, date '9999-12-31')
            > complete_week.trade_week
    where
        index_range.index_code in (
            {%- for index_code in universes.values() %}
            '{{ index_code }}'{{ "," if not loop.last }}
            {%- endfor %}
        )
),

member_count as (
    select
        trade_week,
        index_code,
        count(*) as member_count,
    from index_member
    group by trade_week, index_code
),

counted_against_the_largest as (
    select
        trade_week,
        index_code,
        member_count >= {{ minimum_share }} * max(member_count) over (
            partition by index_code
            order by trade_week
            rows between unbounded preceding and current row
        ) as is_loaded,
    from member_count
),

loaded_universe as (
    select
        trade_week,
        {% for universe, index_code in universes.items() -%}
        bool_or(index_code = '{{ index_code }}') as has_{{ universe }},
        {% endfor -%}
    from counted_against_the_largest
    where is_loaded
    group by trade_week
),

membership as (
    select
        trade_week,
        security_code,
        {% for universe, index_code in universes.items() -%}
        bool_or(index_code = '{{ index_code }}') as is_in_{{ universe }},
        {% endfor -%}
    from index_member
    where {{ in_build_window("trade_week") }}
    group by trade_week, security_code
),

microcap_member as (
    select
        trade_date,
        security_code,
    from {{ ref("int_microcap_member") }}
    where
        index_code = '{{ var("factor_microcap_index") }}'
        and {{ in_build_window("trade_date") }}
),

microcap_day as (
    select trade_date,
    from microcap_member
    group by trade_date
)

select
    complete_week.trade_week,
    status.trade_date,
    status.security_code,
    status.is_in_all,
    {% for universe in universes -%}
    -- NULL where the members are not loaded, which is not the same as none.
    case
        when loaded_universe.has_{{ universe }}
            then coalesce(membership.is_in_{{ universe }}, false)
    end as is_in_{{ universe }},
    {% endfor -%}
    case
        when microcap_day.trade_date is not null
            then microcap_member.security_code is not null
    end as is_in_microcap,
    status.is_traded,
from complete_week
inner join status on complete_week.trade_week = status.trade_date
left join loaded_universe on complete_week.trade_week = loaded_universe.trade_week
left join membership
    on
        complete_week.trade_week = membership.trade_week
        and status.security_code = membership.security_code
left join microcap_day on complete_week.trade_week = microcap_day.trade_date
left join microcap_member
    on
        complete_week.trade_week = microcap_member.trade_date
        and status.security_code = microcap_member.security_code
