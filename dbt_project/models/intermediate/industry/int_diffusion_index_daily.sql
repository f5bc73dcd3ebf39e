{{
    config(
        materialized="incremental",
        incremental_strategy="rewrite_window",
        on_schema_change="fail",
    )
}}

{%- set variants = var("diffusion_variants") %}
{%- set momenta = [] %}
{%- for variant in variants %}
{%- set momentum = (variant.momentum_test, variant.window_days) %}
{%- if momentum not in momenta %}{% do momenta.append(momentum) %}{% endif %}
{%- endfor %}
{%- set cells = [] %}
{%- for variant in variants %}
{%- set cell = (variant.momentum_test ~ variant.window_days, variant.weighting) %}
{%- if cell not in cells %}{% do cells.append(cell) %}{% endif %}
{%- endfor %}
{%- set smoothing_days = variants | map(attribute="smoothing_days") | max %}
{%- set window_days = variants | map(attribute="window_days") | max %}

with security_day as (
    select
        trade_date,
        security_code,
        day_index,
        adjusted_close,
        total_cap_cny,
        float_cap_cny,
        float_source,
    from {{ ref("int_security_day") }}
    where
        trade_date <= (
            select max(trading_day.trade_date),
            from {{ ref("int_trading_day") }} as trading_day
            where trading_day.is_loaded
        )
        and {{
            in_build_window(
                "trade_date", lookback_days=window_days + smoothing_days + 1
            )
        }}
),

-- The panel has a row for every exchange day, prices carried: rows are days. A stock
-- that is not listed at the far end has NULL there and counts nowhere.
compared as (
    select
        trade_date,
        security_code,
        day_index,
        total_cap_cny,
        float_cap_cny,
        float_source,
        {% for test, days in momenta -%}
        {% set is_up = "is_up_" ~ test ~ days -%}
        cast({{ is_above_past(test, days) }} as boolean) as {{ is_up }},
        {% endfor %}
    from security_day
),

industry_member as (
    {{ open_ended_industry_member() }}
),

summed_by_industry as (
    select
        industry_member.industry_system,
        industry_member.industry_code,
        compared.trade_date,
        any_value(compared.day_index) as day_index,
        count(*) as listed_count,
        {% for momentum, weighting in cells -%}
        {% set is_up = "compared.is_up_" ~ momentum -%}
        {% set cell = momentum ~ "_" ~ weighting -%}
        {% if weighting == "equal" -%}
        count({{ is_up }}) as {{ cell }}_count,
        count(*) filter (where {{ is_up }}) as {{ cell }}_up,
        count({{ is_up }}) as {{ cell }}_all,
        {% else -%}
        {% set weight = "compared." ~ weighting ~ "_cny" -%}
        count({{ weight }}) filter (where {{ is_up }} is not null) as {{ cell }}_count,
        {{ exact_sum(weight, 4, condition=is_up) }} as {{ cell }}_up,
        {{ exact_sum(weight, 4, condition=is_up ~ " is not null") }} as {{ cell }}_all,
        {% set by_total = is_up ~ " is not null and compared.float_source = 'total'" -%}
        count({{ weight }}) filter (where {{ by_total }}) as {{ cell }}_total,
        {% endif -%}
        {% endfor %}
    from compared
    inner join industry_member
        on
            compared.security_code = industry_member.security_code
            and compared.trade_date >= industry_member.valid_from
            and compared.trade_date < industry_member.valid_to
    group by
        industry_member.industry_system,
        industry_member.industry_code,
        compared.trade_date
),

by_variant as (
    {% for variant in variants -%}
    {% set cell = (
        variant.momentum_test ~ variant.window_days ~ "_" ~ variant.weighting
    ) -%}
    {% set weighting_name = variant.weighting | replace("_cap", "") -%}
    select
        industry_system,
        industry_code,
        trade_date,
        day_index,
        '{{ variant.variant }}' as variant,
        {{ variant.smoothing_days }} as smoothing_days,
        {{ cell }}_count as member_count,
        listed_count - {{ cell }}_count as excluded_count,
        {% if variant.weighting == "float_cap" -%}
        {{ weight_source(cell ~ "_total", cell ~ "_count") }} as weight_source,
        {% else -%}
        case when {{ cell }}_count > 0 then '{{ weighting_name }}' end as weight_source,
        {% endif -%}
        case
            when {{ cell }}_count >= {{ var("diffusion_minimum_members") }}
                then coalesce({{ cell }}_up, 0) / nullif({{ cell }}_all, 0)
        end as share_up,
    from summed_by_industry
    {% if not loop.last -%}
    union all
    {% endif -%}
    {% endfor %}
),

smoothed as (
    select
        industry_system,
        industry_code,
        trade_date,
        day_index,
        variant,
        member_count,
        excluded_count,
        weight_source,
        case smoothing_days
            {% for days in variants | map(attribute="smoothing_days") | unique -%}
            when {{ days }} then {{ smoothed_share("share_up", days) }}
            {% endfor -%}
        end as diffusion_index,
    from by_variant
),

compared_with_yesterday as (
    select
        *,
        diffusion_index - first_value(diffusion_index) over (
            partition by industry_system, industry_code, variant
            order by day_index
            range between 1 preceding and 1 preceding
        ) as change,
        rank() over (
            partition by industry_system, variant, trade_date
            order by diffusion_index desc nulls last
        ) as rank_with_nulls,
    from smoothed
)

select
    industry_system,
    industry_code,
    trade_date,
    variant,
    diffusion_index,
    cast(
        case when diffusion_index is not null then rank_with_nulls end as bigint
    ) as diffusion_rank,
    change,
    member_count,
    excluded_count,
    weight_source,
from compared_with_yesterday
where {{ in_build_window("trade_date") }}
