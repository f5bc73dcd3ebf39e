{#
    The daily diffusion index at the last close of each complete period, with its change
    on the period before. `period` names the period's column, `unit` is week or month.
-#}
{% macro diffusion_at_period_end(period, unit) -%}
with daily as (
    select
        industry_system,
        industry_code,
        trade_date,
        variant,
        diffusion_index,
        diffusion_rank,
        member_count,
        excluded_count,
        weight_source,
    from {{ ref("fct_diffusion_index_daily") }}
),

period_end as (
    select
        trade_date,
        {{ period }},
        row_number() over (order by trade_date) as period_index,
    from {{ ref("int_trading_day") }}
    where
        is_{{ unit }}_end
        and is_{{ unit }}_complete
),

at_period_end as (
    select
        daily.industry_system,
        daily.industry_code,
        period_end.{{ period }},
        period_end.period_index,
        daily.trade_date,
        daily.variant,
        daily.diffusion_index,
        daily.diffusion_rank,
        daily.member_count,
        daily.excluded_count,
        daily.weight_source,
    from daily
    inner join period_end on daily.trade_date = period_end.trade_date
),

compared_with_last_period as (
    select
        *,
        diffusion_index - first_value(diffusion_index) over (
            partition by industry_system, industry_code, variant
            order by period_index
            range between 1 preceding and 1 preceding
        ) as change,
    from at_period_end
)

select
    cast(industry_system as varchar) as industry_system,
    cast(industry_code as varchar) as industry_code,
    cast({{ period }} as date) as {{ period }},
    cast(trade_date as date) as trade_date,
    cast(variant as varchar) as variant,
    cast(diffusion_index as double) as diffusion_index,
    cast(diffusion_rank as bigint) as diffusion_rank,
    cast(change as double) as change,
    cast(member_count as bigint) as member_count,
    cast(excluded_count as bigint) as excluded_count,
    cast(weight_source as varchar) as weight_source,
from compared_with_last_period
{%- endmacro %}
