{{
    config(
        materialized="incremental",
        incremental_strategy="rewrite_window",
        on_schema_change="fail",
    )
}}

{%- set grid = var("critical_grid") %}
{%- set timing = var("diffusion_timing") %}
{%- set horizon = grid.longest_days - grid.shortest_days %}
{%- set ratio_count = grid.highest_percent - grid.lowest_percent + 1 %}
{%- set averages = [("fast", timing.fast_days), ("slow", timing.slow_days)] %}

with state as (
    select
        index_code,
        trade_date,
        valid_index,
        diffusion_index,
        diffusion_total,
        max(is_full) filter (where method = 'first_threshold') as is_full_first,
        max(is_full) filter (where method = 'delayed_threshold') as is_full_delayed,
        max(is_full) filter (where method = 'dual_moving_average') as is_full_dual,
    from {{ ref("int_timing_state_daily") }}
    group by
        index_code, trade_date, valid_index, diffusion_index, diffusion_total
),

path_cell as (
    select unnest(range({{ horizon * ratio_count }})) as cell,
),

-- Members and today's prices stay as they are and all prices drift alike: who has a
-- price to compare with today has one on each later day of the path.
path_day as (
    select
        basket_count.index_code,
        basket_count.trade_date,
        path_cell.cell % {{ ratio_count }} as ratio_index,
        path_cell.cell // {{ ratio_count }} + 1 as days_ahead,
        basket_count.path_counts[path_cell.cell + 1]
        / basket_count.compared_counts[path_cell.cell // {{ ratio_count }} + 2]
            as diffusion_index,
    from {{ ref("int_basket_count_daily") }} as basket_count
    cross join path_cell
    where {{ in_build_window("basket_count.trade_date") }}
),

path as (
    select
        path_day.index_code,
        path_day.trade_date,
        path_day.ratio_index,
        path_day.days_ahead,
        path_day.diffusion_index,
        coalesce(
            lag(path_day.diffusion_index) over (
                partition by
                    path_day.index_code, path_day.trade_date, path_day.ratio_index
                order by path_day.days_ahead
            ),
            state.diffusion_index
        ) as previous_diffusion_index,
        {% for name, days in averages -%}
        sum(cast(path_day.diffusion_index as decimal(18, 15))) over (
            partition by
                path_day.index_code, path_day.trade_date, path_day.ratio_index
            order by path_day.days_ahead
            rows between {{ days - 1 }} preceding and current row
        ) as {{ name }}_path_sum,
        greatest({{ days }} - path_day.days_ahead, 0) as {{ name }}_past_days,
        {% endfor -%}
        state.valid_index,
        state.diffusion_total,
        state.is_full_first,
        state.is_full_delayed,
        state.is_full_dual,
    from path_day
    inner join state
        on
            path_day.index_code = state.index_code
            and path_day.trade_date = state.trade_date
),

-- The averages' windows reach from the path back into the days that have been: their
-- part is a difference of two running totals.
averaged as (
    select
        {% for name, days in averages -%}
        case
            when path.valid_index >= path.{{ name }}_past_days
                then
                    cast(
                        path.{{ name }}_path_sum
                        + case
                            when path.{{ name }}_past_days = 0 then 0
                            else
                                path.diffusion_total
                                - coalesce({{ name }}_start.diffusion_total, 0)
                        end
                        as double
                    ) / {{ days }}
        end as {{ name }}_average,
        {% endfor -%}
        path.*,
    from path
    left join state as fast_start
        on
            path.index_code = fast_start.index_code
            and path.valid_index - path.fast_past_days = fast_start.valid_index
    left join state as slow_start
        on
            path.index_code = slow_start.index_code
            and path.valid_index - path.slow_past_days = slow_start.valid_index
),

first_firing as (
    select
        index_code,
        trade_date,
        ratio_index,
        bool_and(is_full_first) as is_full_first,
        bool_and(is_full_delayed) as is_full_delayed,
        bool_and(is_full_dual) as is_full_dual,
        min(days_ahead) filter (
            where case
                when is_full_first then diffusion_index > {{ timing.exit_threshold }}
                else diffusion_index < {{ timing.entry_threshold }}
            end
        ) as first_days,
        min(days_ahead) filter (
            where case
                when is_full_delayed
                    then
                        previous_diffusion_index >= {{ timing.exit_threshold }}
                        and diffusion_index < {{ timing.exit_threshold }}
                else
                    previous_diffusion_index <= {{ timing.entry_threshold }}
                    and diffusion_index > {{ timing.entry_threshold }}
            end
        ) as delayed_days,
        min(days_ahead) filter (
            where is_full_dual <> ({{ is_above("fast_average", "slow_average") }})
        ) as dual_days,
        count(slow_average) as average_count,
    from averaged
    group by index_code, trade_date, ratio_index
),

by_method as (
    {% for method, name in [
        ("first_threshold", "first"),
        ("delayed_threshold", "delayed"),
        ("dual_moving_average", "dual"),
    ] -%}
    select
        index_code,
        trade_date,
        '{{ method }}' as method,
        ratio_index,
        {{ name }}_days as days_to_signal,
        is_full_{{ name }} as is_full,
        {% if name == "dual" %}average_count = 0{% else %}false{% endif %}
            as is_without_average,
    from first_firing
    {% if not loop.last -%}
    union all
    {% endif -%}
    {% endfor -%}
)

select
    index_code,
    trade_date,
    method,
    ({{ grid.highest_percent }} - ratio_index) / 100 as price_ratio,
    is_full,
    cast(days_to_signal as integer) as days_to_signal,
    case
        when days_to_signal is not null and is_full then 'exit'
        when days_to_signal is not null then 'enter'
    end as action,
    case
        when days_to_signal is not null then null
        when is_without_average then 'average_too_short'
        else 'no_signal_on_path'
    end as null_reason,
from by_method
