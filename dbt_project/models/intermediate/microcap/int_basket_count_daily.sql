{{
    config(
        materialized="incremental",
        incremental_strategy="rewrite_window",
        on_schema_change="fail",
    )
}}

{%- set grid = var("critical_grid") %}
{%- set horizon = grid.longest_days - grid.shortest_days %}
{%- set percents = range(grid.highest_percent, grid.lowest_percent - 1, -1) | list %}
{%- set grid_days = range(grid.longest_days, grid.shortest_days - 1, -1) | list %}
{%- set roc_days = parameter_values("roc_days") %}
{%- set strength_days = parameter_values("strength_days") %}
{%- set lags = grid_days | list %}
{%- for days in roc_days + strength_days if days not in lags %}
{%- do lags.append(days) %}
{%- endfor %}

with member as (
    select
        index_code,
        trade_date,
        security_code,
    from {{ ref("int_basket_member") }}
    where {{ in_build_window("trade_date") }}
),

security_day as (
    select
        trade_date,
        security_code,
        day_index,
        is_suspended,
        adjusted_close,
        float_cap_cny,
    from {{ ref("int_security_day") }}
    where
        trade_date <= (
            select max(trading_day.trade_date),
            from {{ ref("int_trading_day") }} as trading_day
            where trading_day.is_loaded
        )
        and {{ in_build_window("trade_date", lookback_days=lags | max + 1) }}
        and security_code in (select member.security_code, from member)
),

-- The panel has a row for every exchange day, prices carried: rows are days. A stock
-- that is not listed at the far end has NULL there and counts nowhere.
with_past as (
    select
        trade_date,
        security_code,
        day_index,
        is_suspended,
        adjusted_close,
        {% for days in lags -%}
        lag(adjusted_close, {{ days }}) over (
            partition by security_code order by day_index
        ) as close_{{ days }},
        {% endfor -%}
        float_cap_cny,
    from security_day
),

-- Growth of the index that relative strength is measured against, closes carried over
-- days without one.
benchmark_close as (
    select
        benchmark.index_code as benchmark_code,
        trading_day.trade_date,
        last_value(index_bar.close ignore nulls) over (
            partition by benchmark.index_code
            order by trading_day.trade_date
            rows between unbounded preceding and current row
        ) as close,
    from {{ ref("int_trading_day") }} as trading_day
    cross join (
        values
        {% for code in parameter_values("strength_benchmark") -%}
        ('{{ code }}'){% if not loop.last %},{% endif %}
        {% endfor -%}
    ) as benchmark (index_code)
    left join {{ ref("stg_index_bar") }} as index_bar
        on
            benchmark.index_code = index_bar.index_code
            and trading_day.trade_date = index_bar.trade_date
    where trading_day.is_loaded
),

benchmark_growth as (
    select
        benchmark_code,
        {% for days in strength_days -%}
        close / lag(close, {{ days }}) over (
            partition by benchmark_code order by trade_date
        ) as growth_{{ days }},
        {% endfor -%}
        trade_date,
    from benchmark_close
),

member_day as (
    select
        member.index_code,
        with_past.trade_date,
        with_past.day_index,
        with_past.is_suspended,
        with_past.adjusted_close,
        with_past.float_cap_cny,
        {% for days in grid_days -%}
        with_past.close_{{ days }},
        {% endfor -%}
        with_past.adjusted_close
        > case {{ parameter_of("member.index_code", "roc_days") }}
            {% for days in roc_days -%}
            when {{ days }} then with_past.close_{{ days }}
            {% endfor -%}
        end as is_above_past,
        with_past.adjusted_close
        > case {{ parameter_of("member.index_code", "strength_days") }}
            {% for days in strength_days -%}
            when {{ days }}
                then with_past.close_{{ days }} * benchmark_growth.growth_{{ days }}
            {% endfor -%}
        end as is_stronger,
    from with_past
    inner join member
        on
            with_past.security_code = member.security_code
            and with_past.trade_date = member.trade_date
    left join benchmark_growth
        on
            with_past.trade_date = benchmark_growth.trade_date
            and benchmark_growth.benchmark_code
            = {{ parameter_of("member.index_code", "strength_benchmark") }}
),

-- Ratios are literals of doubles. count_if(), not count() with a filter: 441 filters
-- take five times as long.
counted as (
    select
        index_code,
        trade_date,
        any_value(day_index) as day_index,
        count(*) as member_count,
        [
            {% for days in grid_days -%}
            count(close_{{ days }}){% if not loop.last %},{% endif %}
            {% endfor -%}
        ] as compared_counts,
        [
            {% for days in grid_days -%}
            {% set last_days = loop.last -%}
            {% for percent in percents -%}
            {% set ratio = "%.2fe0" | format(percent / 100) -%}
            count_if({{ ratio }} * adjusted_close > close_{{ days }})
            {%- if not (last_days and loop.last) %},{% endif %}
            {% endfor -%}
            {% endfor -%}
        ] as above_counts,
        [
            {% for step in range(1, horizon + 1) -%}
            {% set last_step = loop.last -%}
            {% for percent in percents -%}
            {% set ratio = "%.16e" | format((percent / 100) ** (step / horizon)) -%}
            count_if(
                {{ ratio }} * adjusted_close > close_{{ grid.longest_days - step }}
            )
            {%- if not (last_step and loop.last) %},{% endif %}
            {% endfor -%}
            {% endfor -%}
        ] as path_counts,
        {% for condition, name in [
            ("is_above_past", "roc"), ("is_stronger", "strength")
        ] -%}
        count(float_cap_cny) filter (where {{ condition }} is not null)
            as {{ name }}_count,
        {{ exact_sum("float_cap_cny", 4, condition=condition) }} as {{ name }}_cap,
        {{ exact_sum("float_cap_cny", 4, condition=condition ~ " is not null") }}
            as {{ name }}_all_cap,
        {% endfor -%}
        count(*) filter (where not is_suspended) as traded_count,
    from member_day
    group by index_code, trade_date
)

select
    index_code,
    trade_date,
    day_index,
    cast(member_count as integer) as member_count,
    cast(compared_counts as integer[]) as compared_counts,
    cast(above_counts as integer[]) as above_counts,
    cast(path_counts as integer[]) as path_counts,
    {% for name in ["roc", "strength"] -%}
    case
        when
            {{ name }}_count >= {{ parameter_of("index_code", "minimum_members") }}
            and traded_count > 0
            then coalesce({{ name }}_cap, 0) / nullif({{ name }}_all_cap, 0)
    end as {{ name }}_share,
    {% endfor -%}
    cast(traded_count as integer) as traded_count,
from counted
