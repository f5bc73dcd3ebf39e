{{ config(meta={"dated_by": "trade_week"}) }}

{%- set shown_names = 10 %}
{%- set listed = ("listed", "weight > 0", "place_in_list") %}
{%- set come_in = ("in", "action = 'in'", "place_in_action") %}
{%- set go_out = ("out", "action = 'out'", "place_in_action") %}
{%- set lists = [listed, come_in, go_out] %}

with strategy as (
    select
        strategy_code,
        name_cn,
        name_en,
        score_source,
        variant,
        asset_type,
        asset_pool,
        industry_system,
        frequency,
        execution,
        fills,
        is_paper,
    from {{ ref("dim_strategy") }}
),

trading_day as (
    select
        trade_date,
        is_week_end,
    from {{ ref("int_trading_day") }}
),

at_week_end as (
    select
        daily.strategy_code,
        daily.trade_date,
        daily.signal_date,
        daily.held_count,
    from {{ ref("fct_rotation_return_daily") }} as daily
    inner join trading_day on daily.trade_date = trading_day.trade_date
    where trading_day.is_week_end
),

net_value as (
    select
        strategy_code,
        trade_week,
        net_value,
        benchmark_value,
        excess_value,
        drawdown,
        excess_drawdown,
    from {{ ref("mart_net_value_weekly") }}
),

index_name as (
    select
        index_code,
        max(index_name) as name,
    from {{ ref("fct_index_score_weekly") }}
    group by index_code
),

named_holding as (
    select
        holding.strategy_code,
        holding.signal_date,
        holding.asset_code,
        holding.action,
        holding.weight,
        holding.rank,
        coalesce(
            industry.name_cn, security.name, index_name.name, holding.asset_code
        ) as name_cn,
        coalesce(
            industry.name_en, security.name, index_name.name, holding.asset_code
        ) as name_en,
        row_number() over (
            partition by
                holding.strategy_code,
                holding.signal_date,
                holding.weight > 0
            order by holding.rank asc nulls last, holding.asset_code asc
        ) as place_in_list,
        row_number() over (
            partition by holding.strategy_code, holding.signal_date, holding.action
            order by holding.rank asc nulls last, holding.asset_code asc
        ) as place_in_action,
    from {{ ref("fct_rotation_holding") }} as holding
    inner join strategy on holding.strategy_code = strategy.strategy_code
    left join {{ ref("dim_industry") }} as industry
        on
            strategy.industry_system = industry.industry_system
            and holding.asset_code = industry.industry_code
    left join {{ ref("dim_security") }} as security
        on
            strategy.asset_type = 'stock'
            and holding.asset_code = security.security_code
    left join index_name
        on
            strategy.asset_type = 'index'
            and holding.asset_code = index_name.index_code
),

list_of_day as (
    select
        strategy_code,
        signal_date,
        count(*) filter (where weight > 0) as listed_count,
        count(*) filter (where action = 'in') as in_count,
        {% for language, separator in [("cn", "、"), ("en", ", ")] -%}
        {% for list, is_listed, place in lists -%}
        string_agg(
            name_{{ language }}, '{{ separator }}' order by {{ place }}
        ) filter (where {{ is_listed }} and {{ place }} <= {{ shown_names }})
        || case
            when count(*) filter (where {{ is_listed }}) > {{ shown_names }}
                then
                    '{{ separator }}… ('
                    || count(*) filter (where {{ is_listed }}) || ')'
            else ''
        end as {{ list }}_names_{{ language }},
        {% endfor -%}
        {% endfor -%}
        count(*) filter (where action = 'out') as out_count,
    from named_holding
    group by strategy_code, signal_date
),

return_week as (
    select
        strategy_code,
        trade_week,
        strategy_return,
        gross_return,
        benchmark_return,
        excess_return,
        cost,
        turnover,
        month_to_date_return,
        month_to_date_excess_return,
        year_to_date_return,
        year_to_date_excess_return,
        rank() over (
            partition by trade_week order by excess_return desc
        ) as excess_rank,
        rank() over (
            partition by trade_week order by year_to_date_excess_return desc
        ) as year_to_date_excess_rank,
        count(*) over (partition by trade_week) as strategy_count,
    from {{ ref("fct_rotation_return_weekly") }}
)

select
    cast(return_week.strategy_code as varchar) as strategy_code,
    cast(return_week.trade_week as date) as trade_week,
    cast(strategy.name_cn as varchar) as name_cn,
    cast(strategy.name_en as varchar) as name_en,
    cast(strategy.score_source as varchar) as score_source,
    cast(strategy.variant as varchar) as variant,
    cast(strategy.asset_type as varchar) as asset_type,
    cast(strategy.asset_pool as varchar) as asset_pool,
    cast(strategy.frequency as varchar) as frequency,
    cast(strategy.execution as varchar) as execution,
    cast(strategy.fills as varchar) as fills,
    cast(strategy.is_paper as boolean) as is_paper,
    {% for measure in [
        "strategy_return", "gross_return", "benchmark_return", "excess_return",
        "month_to_date_return", "month_to_date_excess_return",
        "year_to_date_return", "year_to_date_excess_return", "cost", "turnover",
    ] -%}
    cast(round(return_week.{{ measure }}, 6) as double) as {{ measure }},
    {% endfor -%}
    cast(return_week.excess_rank as integer) as excess_rank,
    cast(return_week.year_to_date_excess_rank as integer)
        as year_to_date_excess_rank,
    cast(return_week.strategy_count as integer) as strategy_count,
    {% for measure in [
        "net_value", "benchmark_value", "excess_value", "drawdown", "excess_drawdown",
    ] -%}
    cast(round(net_value.{{ measure }}, 6) as double) as {{ measure }},
    {% endfor -%}
    cast(at_week_end.signal_date as date) as signal_date,
    cast(at_week_end.held_count as integer) as held_count,
    cast(held.listed_names_cn as varchar) as held_names_cn,
    cast(held.listed_names_en as varchar) as held_names_en,
    cast(new_list.signal_date as date) as new_list_date,
    cast(new_list.listed_count as integer) as new_list_count,
    cast(new_list.in_count as integer) as in_count,
    cast(new_list.out_count as integer) as out_count,
    cast(new_list.in_names_cn as varchar) as in_names_cn,
    cast(new_list.in_names_en as varchar) as in_names_en,
    cast(new_list.out_names_cn as varchar) as out_names_cn,
    cast(new_list.out_names_en as varchar) as out_names_en,
from return_week
inner join strategy on return_week.strategy_code = strategy.strategy_code
inner join at_week_end
    on
        return_week.strategy_code = at_week_end.strategy_code
        and return_week.trade_week = at_week_end.trade_date
inner join net_value
    on
        return_week.strategy_code = net_value.strategy_code
        and return_week.trade_week = net_value.trade_week
left join list_of_day as held
    on
        at_week_end.strategy_code = held.strategy_code
        and at_week_end.signal_date = held.signal_date
left join list_of_day as new_list
    on
        return_week.strategy_code = new_list.strategy_code
        and return_week.trade_week = new_list.signal_date
