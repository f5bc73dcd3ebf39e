{#
    Daily returns of a portfolio that is in an index or out of it. `state` names a relation
    with index_code, method, trade_date and is_full, the state after the close of each day
    on which the machine ran; on other days it holds. `variants` are pairs of a name and
    the number of closes from the signal to the trade: 0 at the close that made it, 1 at
    the next. A row's position earns the row's return, so it was taken one close before.
-#}
{% macro timed_returns(state, variants) -%}
with state as (
    select
        index_code,
        method,
        trade_date,
        is_full,
    from {{ state }}
),

machine as (
    select
        index_code,
        method,
        min(trade_date) as first_date,
    from state
    group by index_code, method
),

machine_day as (
    select
        machine.index_code,
        machine.method,
        trading_day.trade_date,
        last_value(state.is_full ignore nulls) over (
            partition by machine.index_code, machine.method
            order by trading_day.trade_date
            rows between unbounded preceding and current row
        ) as is_full,
    from machine
    inner join {{ ref("int_trading_day") }} as trading_day
        on machine.first_date <= trading_day.trade_date
    left join state
        on
            machine.index_code = state.index_code
            and machine.method = state.method
            and trading_day.trade_date = state.trade_date
    where trading_day.is_loaded
),

positioned as (
    {% for variant, closes in variants -%}
    select
        index_code,
        method,
        '{{ variant }}' as variant,
        trade_date,
        {% for name, days in [
            ("position", closes + 1), ("previous_position", closes + 2)
        ] -%}
        cast(
            lag(is_full, {{ days }}) over (
                partition by index_code, method order by trade_date
            ) as integer
        ) as {{ name }},
        {% endfor %}
    from machine_day
    {% if not loop.last -%}
    union all
    {% endif -%}
    {% endfor -%}
),

costed as (
    select
        positioned.index_code,
        positioned.method,
        positioned.variant,
        positioned.trade_date,
        positioned.position,
        index_return.index_return,
        sum(
            abs(
                positioned.position
                - coalesce(positioned.previous_position, positioned.position)
            )
        ) over (
            partition by positioned.index_code, positioned.method, positioned.variant
            order by positioned.trade_date
            rows between unbounded preceding and current row
        ) as switch_count,
        {{ parameter_of("positioned.index_code", "two_way_cost") }} as two_way_cost,
    from positioned
    left join {{ ref("int_basket_return_daily") }} as index_return
        on
            positioned.index_code = index_return.index_code
            and positioned.trade_date = index_return.trade_date
    where positioned.position is not null
),

-- A switch on a day without a return of the index is booked on the next day with one:
-- the day itself drops out of every performance, and its cost would with it.
booked as (
    select
        *,
        case
            when index_return is null then 0
            else
                switch_count - coalesce(
                    max(case when index_return is not null then switch_count end) over (
                        partition by index_code, method, variant
                        order by trade_date
                        rows between unbounded preceding and 1 preceding
                    ),
                    0
                )
        end as turnover,
    from costed
),

timed as (
    select
        *,
        turnover * two_way_cost / 2 as cost,
    from booked
)
{%- endmacro %}
