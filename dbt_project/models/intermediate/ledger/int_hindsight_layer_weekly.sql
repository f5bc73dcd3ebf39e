{%- set universes = {
    "all": "is_ordinary", "st": "is_listed", "delisting": "is_staying"
} -%}
{%- set factors = var("ledger_layer_factors") -%}
{%- set layers = var("factor_layers") %}

-- Returns of the first and the tenth layer of some factors with each rule switched off.
-- The universe without delistings knows the future on purpose.

with trading_day as (
    select
        trade_date,
        trade_week,
        is_week_end,
        is_week_complete,
        min(trade_date) over (partition by trade_week) as first_date,
        count(*) over (partition by trade_week) as day_count,
    from {{ ref("int_trading_day") }}
),

week as (
    select
        trade_week,
        first_date,
        day_count,
    from trading_day
    where is_week_end and is_week_complete
),

-- Numbered: millions of rows are sorted, and a code takes longer than its number.
security as (
    select
        security_code,
        cast(row_number() over (order by security_code) as integer) as security_number,
        delist_date is null as stays,
    from {{ ref("stg_security") }}
),

status as (
    select
        tradability.trade_date as factor_week,
        tradability.security_code,
        security.security_number,
        tradability.closes_at_limit_up,
        not tradability.is_st as is_ordinary,
        true as is_listed,
        not tradability.is_st and security.stays as is_staying,
    from {{ ref("int_tradability_day") }} as tradability
    inner join week on tradability.trade_date = week.trade_week
    inner join security on tradability.security_code = security.security_code
    where
        tradability.listed_days > {{ var("factor_minimum_listed_days") }}
        and not tradability.is_delisting_period
        and not tradability.is_suspended
),

stock_return as (
    select
        stock_return.trade_week,
        stock_return.previous_week as factor_week,
        stock_return.security_code,
        status.security_number,
        stock_return.paper_return,
        -- What does not trade on the first day is bought at its last price.
        coalesce(stock_return.tradable_return, stock_return.paper_return)
            as tradable_return,
        coalesce(block.is_suspended, false) as is_suspended,
        coalesce(block.opens_at_limit_up, false) as opens_at_limit_up,
        status.closes_at_limit_up as is_unbuyable_at_close,
        status.is_ordinary,
        status.is_listed,
        status.is_staying,
    from {{ ref("int_stock_return_weekly") }} as stock_return
    inner join week on stock_return.trade_week = week.trade_week
    inner join
        status
        on
            stock_return.previous_week = status.factor_week
            and stock_return.security_code = status.security_code
    left join
        {{ ref("int_stock_block") }} as block
        on
            stock_return.security_code = block.security_code
            and week.first_date = block.trade_date
),

factor_name (factor_number, factor_code) as (
    values
    {%- for factor_code in factors %}
    ({{ loop.index0 }}, '{{ factor_code }}'){{ "," if not loop.last }}
    {%- endfor %}
),

factor as (
    select
        trade_week as factor_week,
        security_code,
        unnest(range({{ factors | length }})) as factor_number,
        unnest(
            [
                {%- for factor_code in factors %}
                {{ factor_code }}{{ "," if not loop.last }}
                {%- endfor %}
            ]
        ) as factor_value,
    from {{ ref("int_style_factor_weekly") }}
),

valued as (
    select
        stock_return.trade_week,
        factor.factor_number,
        stock_return.security_number,
        factor.factor_value,
        stock_return.is_ordinary,
        stock_return.is_listed,
        stock_return.is_staying,
    from factor
    inner join
        stock_return
        on
            factor.factor_week = stock_return.factor_week
            and factor.security_code = stock_return.security_code
    where isfinite(factor.factor_value)
),

{% for universe, flag in universes.items() -%}
{{ universe }}_placed as (
    select
        trade_week,
        factor_number,
        security_number,
        row_number() over (
            partition by trade_week, factor_number
            order by factor_value desc, security_number asc
        ) as place,
        count(*) over (partition by trade_week, factor_number) as stock_count,
    from valued
    where {{ flag }}
),

{% endfor -%}
-- Cut as the published layers are.
layered as (
    {%- for universe in universes %}
    {{ "union all" if not loop.first }}
    select
        '{{ universe }}' as universe,
        trade_week,
        factor_number,
        security_number,
        1 + (place - 1) * {{ layers }} // stock_count as layer,
    from {{ universe }}_placed
    where
        layer in (1, {{ layers }})
        and stock_count >= {{ layers * var("factor_layer_minimum_stocks") }}
    {%- endfor %}
),

joined as (
    select
        layered.universe,
        layered.factor_number,
        layered.layer,
        layered.trade_week,
        stock_return.paper_return,
        stock_return.tradable_return,
        stock_return.is_unbuyable_at_close,
        stock_return.is_suspended,
        stock_return.opens_at_limit_up,
    from layered
    inner join
        stock_return
        on
            layered.trade_week = stock_return.trade_week
            and layered.security_number = stock_return.security_number
),

averaged as (
    select
        factor_number,
        layer,
        trade_week,
        {%- for rule_off, universe in [
            ("none", "all"), ("st", "st"), ("delisting", "delisting")
        ] %}
        {{
            exact_mean(
                "case when universe = '" ~ universe
                ~ "' and not is_suspended and not opens_at_limit_up"
                ~ " then tradable_return end",
                15,
            )
        }} as {{ rule_off }}_return,
        {%- endfor %}
        {{
            exact_mean(
                "case when universe = 'all' and not is_suspended"
                ~ " then tradable_return end",
                15,
            )
        }} as limits_return,
        {{
            exact_mean(
                "case when universe = 'all' and not opens_at_limit_up"
                ~ " then tradable_return end",
                15,
            )
        }} as suspension_return,
        {{
            exact_mean(
                "case when universe = 'all' and not is_unbuyable_at_close"
                ~ " then paper_return end",
                15,
            )
        }} as next_open_return,
    from joined
    group by factor_number, layer, trade_week
),

market as (
    select
        trade_week,
        {{ exact_mean("paper_return", 15) }} as benchmark_return,
    from stock_return
    where is_ordinary
    group by trade_week
)

{% for rule_off in ledger_rules() if rule_off != "cost" -%}
{{ "union all" if not loop.first }}
select
    'all:' || factor_name.factor_code || ':' || averaged.layer as strategy_code,
    '{{ rule_off }}' as rule_off,
    averaged.trade_week,
    week.day_count,
    averaged.{{ rule_off }}_return as layer_return,
    market.benchmark_return,
from averaged
inner join factor_name on averaged.factor_number = factor_name.factor_number
inner join week on averaged.trade_week = week.trade_week
inner join market on averaged.trade_week = market.trade_week
where averaged.{{ rule_off }}_return is not null
{% endfor %}
