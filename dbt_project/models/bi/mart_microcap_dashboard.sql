with index_daily as (
    select
        index_code,
        trade_date,
        index_level,
        index_return,
        net_return,
        tradable_level,
        tradable_return,
        unfillable_share,
        monthly_rebalanced_return,
        rebalancing_drag,
        member_count,
        new_member_count,
        left_member_count,
        suspended_count,
        turnover,
    from {{ ref("fct_microcap_index_daily") }}
    where member_count > 0
),

microcap_index as (
    select
        index_code,
        name_cn,
        name_en,
    from {{ ref("microcap_index") }}
),

diffusion as (
    select
        index_code,
        trade_date,
        diffusion_index,
        fast_average,
        slow_average,
    from {{ ref("fct_microcap_diffusion_daily") }}
),

-- Positions that can be had, one column a method.
timing as (
    select
        index_code,
        {% for method in [
            "first_threshold", "delayed_threshold", "dual_moving_average"
        ] -%}
        max(position) filter (where method = '{{ method }}') as {{ method }}_position,
        max(strategy_return) filter (where method = '{{ method }}')
            as {{ method }}_return,
        {% endfor -%}
        trade_date,
    from {{ ref("fct_microcap_timing_daily") }}
    where variant = 'tradable'
    group by index_code, trade_date
)

select
    cast(index_daily.index_code as varchar) as index_code,
    cast(microcap_index.name_cn as varchar) as name_cn,
    cast(microcap_index.name_en as varchar) as name_en,
    cast(index_daily.trade_date as date) as trade_date,
    cast(round(index_daily.index_level, 2) as double) as index_level,
    cast(round(index_daily.index_return, 6) as double) as index_return,
    cast(round(index_daily.net_return, 6) as double) as net_return,
    cast(round(index_daily.tradable_level, 2) as double) as tradable_level,
    cast(round(index_daily.tradable_return, 6) as double) as tradable_return,
    cast(round(index_daily.unfillable_share, 4) as double) as unfillable_share,
    cast(round(index_daily.monthly_rebalanced_return, 6) as double)
        as monthly_rebalanced_return,
    cast(round(index_daily.rebalancing_drag, 6) as double) as rebalancing_drag,
    cast(index_daily.member_count as integer) as member_count,
    cast(index_daily.new_member_count as integer) as new_member_count,
    cast(index_daily.left_member_count as integer) as left_member_count,
    cast(index_daily.suspended_count as integer) as suspended_count,
    cast(round(index_daily.turnover, 4) as double) as turnover,
    cast(round(diffusion.diffusion_index, 4) as double) as diffusion_index,
    cast(round(diffusion.fast_average, 4) as double) as fast_average,
    cast(round(diffusion.slow_average, 4) as double) as slow_average,
    {% for method in [
        "first_threshold", "delayed_threshold", "dual_moving_average"
    ] -%}
    cast(timing.{{ method }}_position as integer) as {{ method }}_position,
    cast(round(timing.{{ method }}_return, 6) as double) as {{ method }}_return,
    {% endfor %}
from index_daily
inner join microcap_index on index_daily.index_code = microcap_index.index_code
left join diffusion
    on
        index_daily.index_code = diffusion.index_code
        and index_daily.trade_date = diffusion.trade_date
left join timing
    on
        index_daily.index_code = timing.index_code
        and index_daily.trade_date = timing.trade_date
