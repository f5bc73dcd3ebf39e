-- Absolute weights of a blend add up to one. Those by ICIR know the rank ICs of weeks
-- that have ended: the newest is of the return up to the close that the weight is of.
{%- set factors = high_frequency_factors().keys() | list %}
{%- set weeks = var("factor_icir_weeks") %}
{%- set minimum = var("factor_icir_minimum_weeks") %}

with published as (
    select
        factor_code,
        sign,
    from {{ ref("factor") }}
    where factor_group = 'high_frequency'
),

panel_week as (
    select trade_week,
    from {{ ref("int_neutral_high_frequency_factor_weekly") }}
    group by trade_week
),

week as (
    select
        trade_week,
        row_number() over (order by trade_week) as week_number,
    from {{ ref("int_trading_day") }}
    where
        is_week_end
        and is_week_complete
),

ic as (
    select
        week.week_number,
        factor_ic.factor_code,
        factor_ic.rank_ic,
    from {{ ref("int_high_frequency_ic_weekly") }} as factor_ic
    inner join week on factor_ic.trade_week = week.trade_week
    where factor_ic.rank_ic is not null
),

blended as (
    select
        week.trade_week,
        week.week_number,
        published.factor_code,
        published.sign,
    from week
    semi join panel_week on week.trade_week = panel_week.trade_week
    cross join published
),

summed as (
    select
        blended.trade_week,
        blended.factor_code,
        count(ic.rank_ic) as value_count,
        {{ exact_sum("ic.rank_ic", 18) }} as value_sum,
        {{ exact_sum("ic.rank_ic * ic.rank_ic", 20) }} as square_sum,
    from blended
    left join ic
        on
            blended.factor_code = ic.factor_code
            and ic.week_number
            between blended.week_number - {{ weeks - 1 }} and blended.week_number
    group by blended.trade_week, blended.factor_code
),

judged as (
    select
        'hf_equal_weight' as model_code,
        trade_week,
        factor_code,
        sign as raw_weight,
        cast(null as bigint) as ic_week_count,
        cast(null as varchar) as reason,
    from blended
    union all
    select
        'hf_icir_weight' as model_code,
        trade_week,
        factor_code,
        case
            when value_count >= {{ minimum }} then {{ series_mean_over_stddev() }}
        end as raw_weight,
        value_count as ic_week_count,
        case
            when value_count < {{ minimum }}
                then
                    'history too short: fewer than {{ minimum }} of the past '
                    || '{{ weeks }} weeks have a rank IC'
            when {{ series_mean_over_stddev() }} is null then 'the rank IC is constant'
        end as reason,
    from summed
),

-- What all weights of a week come to.
total as (
    select
        model_code,
        trade_week,
        {{ exact_sum("abs(raw_weight)", 18) }} as weight_sum,
    from judged
    group by model_code, trade_week
)

select
    judged.model_code,
    judged.trade_week,
    judged.factor_code,
    {{ safe_divide("judged.raw_weight", "total.weight_sum") }} as weight,
    judged.ic_week_count,
    judged.reason,
from judged
inner join total
    on
        judged.model_code = total.model_code
        and judged.trade_week = total.trade_week
