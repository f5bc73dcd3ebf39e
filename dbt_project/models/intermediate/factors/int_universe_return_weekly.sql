{{
    config(
        materialized="incremental",
        incremental_strategy="rewrite_window",
        on_schema_change="fail",
        meta={"window_column": "trade_week"},
    )
}}

with universe_week as (
    select
        trade_week,
        security_code,
        {% for universe in factor_universes() -%}
        is_in_{{ universe }},
        {% endfor -%}
    from {{ ref("int_factor_universe_weekly") }}
    where
        is_traded
        and {{ in_build_window("trade_week", lookback_days=10) }}
),

member as (
    {% for universe in factor_universes() -%}
    select
        {{ universe_number("'" ~ universe ~ "'") }} as universe_number,
        trade_week as factor_week,
        security_code,
    from universe_week
    where is_in_{{ universe }}
    {% if not loop.last -%}
    union all
    {% endif -%}
    {% endfor -%}
),

stock_return as (
    select
        trade_week,
        previous_week,
        security_code,
        paper_return,
        tradable_return,
        is_buyable_at_open,
        is_sellable_at_open,
    from {{ ref("int_stock_return_weekly") }}
    where {{ in_build_window("trade_week") }}
)

select
    {{ universe_of_number("member.universe_number") }} as universe,
    stock_return.trade_week,
    member.factor_week,
    member.security_code,
    stock_return.paper_return,
    stock_return.tradable_return,
    stock_return.is_buyable_at_open,
    stock_return.is_sellable_at_open,
    -- Twice the average rank: one more than stand above, and all that stand as high.
    cast(
        rank() over by_return + count(*) over by_return as integer
    ) as doubled_return_rank,
from member
inner join stock_return
    on
        member.factor_week = stock_return.previous_week
        and member.security_code = stock_return.security_code
window
    by_return as (
        partition by member.universe_number, stock_return.trade_week
        order by stock_return.paper_return desc
        range between unbounded preceding and current row
    )
