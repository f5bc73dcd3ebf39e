-- Of the published tests of single high-frequency factors: each is turned towards its
-- published direction. What is stated of all years is of our last complete week.
with turned as (
    select
        factor_code,
        sign,
    from {{ ref("factor") }}
    where factor_group = 'high_frequency'
),

last_week as (
    {{ last_complete_week() }}
),

summary as (
    select
        ic_summary.factor_code,
        turned.sign * ic_summary.mean as rank_ic_mean,
        ic_summary.std as rank_ic_std,
        turned.sign * ic_summary.icir as ic_ir,
    from {{ ref("fct_factor_ic_summary") }} as ic_summary
    inner join turned on ic_summary.factor_code = turned.factor_code
    where
        ic_summary.universe = 'all'
        and ic_summary.period = 'all'
),

positive as (
    select
        ic.factor_code,
        count(*) filter (where turned.sign * ic.rank_ic > 0)
        / count(*) as ic_positive_share,
    from {{ ref("fct_factor_ic_weekly") }} as ic
    inner join turned on ic.factor_code = turned.factor_code
    where
        ic.universe = 'all'
        and ic.rank_ic is not null
    group by ic.factor_code
),

own_value as (
    {% for metric, relation in {
        "rank_ic_mean": "summary",
        "rank_ic_std": "summary",
        "ic_ir": "summary",
        "ic_positive_share": "positive",
    }.items() -%}
    {{ "union all" if not loop.first }}
    select
        '{{ metric }}' as metric,
        factor_code,
        {{ metric }} as own_value,
    from {{ relation }}
    {% endfor %}
)

select
    cast('hf_single_factor' as varchar) as system,
    cast(own_value.metric as varchar) as metric,
    cast(own_value.factor_code as varchar) as subject_code,
    cast(last_week.trade_date as date) as as_of_date,
    cast(own_value.own_value as double) as own_value,
    cast(null as boolean) as is_signal,
    'values neutral to industry and size, by week, all stocks' as basis,
from own_value
cross join last_week
where own_value.own_value is not null
