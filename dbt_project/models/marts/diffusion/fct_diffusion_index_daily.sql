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
    from {{ ref("int_security_day") }}
    where
        trade_date <= (
            select max(trading_day.trade_date)
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
        {% for test, days in momenta -%}
        {% if test == "roc" -%}
        adjusted_close > lag(adjusted_close, {{ days }}) over by_day
            as is_up_{{ test }}{{ days }},
        {% else -%}
        case
            when count(*) over last_{{ days }} = {{ days }}
                then
                    {{ days }} * cast(adjusted_close as decimal(18, 6))
                    > sum(cast(adjusted_close as decimal(18, 6)))
                        over last_{{ days }}
        end as is_up_{{ test }}{{ days }},
        {% endif -%}
        {% endfor %}
    from security_day
    window
        by_day as (partition by security_code order by day_index)
        {%- for test, days in momenta if test == "ma" -%}
        ,
        last_{{ days }} as (
            partition by security_code
            order by day_index
            rows between {{ days - 1 }} preceding and current row
        )
        {%- endfor %}
),

industry_member as (
    select
        industry_system,
        industry_code,
        security_code,
        valid_from,
        coalesce(valid_to, date '9999-12-31') as valid_to,
    from {{ ref("dim_industry_member") }}
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
    select
        industry_system,
        industry_code,
        trade_date,
        day_index,
        '{{ variant.variant }}' as variant,
        {{ loop.index }} as variant_order,
        {{ variant.smoothing_days }} as smoothing_days,
        {{ cell }}_count as member_count,
        listed_count - {{ cell }}_count as excluded_count,
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
    {% for days in variants | map(attribute="smoothing_days") | unique -%}
    select
        industry_system,
        industry_code,
        trade_date,
        day_index,
        variant,
        variant_order,
        member_count,
        excluded_count,
        {% if days == 1 -%}
        share_up as diffusion_index,
        {% else -%}
        case
            when count(share_up) over last_days = {{ days }}
                then
                    cast(
                        sum(cast(share_up as decimal(18, 15))) over last_days as double
                    ) / {{ days }}
        end as diffusion_index,
        {% endif -%}
    from by_variant
    where smoothing_days = {{ days }}
    {% if days > 1 -%}
    window last_days as (
        partition by industry_system, industry_code, variant
        order by day_index
        range between {{ days - 1 }} preceding and current row
    )
    {% endif -%}
    {% if not loop.last -%}
    union all
    {% endif -%}
    {% endfor %}
),

compared_with_yesterday as (
    select
        *,
        diffusion_index - first_value(diffusion_index) over (
            partition by industry_system, industry_code, variant
            order by day_index
            range between 1 preceding and 1 preceding
        ) as change,
        case
            when diffusion_index is not null
                then rank() over (
                    partition by industry_system, variant, trade_date
                    order by diffusion_index desc nulls last
                )
        end as diffusion_rank,
    from smoothed
)

select
    cast(industry_system as varchar) as industry_system,
    cast(industry_code as varchar) as industry_code,
    cast(trade_date as date) as trade_date,
    cast(variant as varchar) as variant,
    cast(diffusion_index as double) as diffusion_index,
    cast(diffusion_rank as bigint) as diffusion_rank,
    cast(change as double) as change,
    cast(member_count as bigint) as member_count,
    cast(excluded_count as bigint) as excluded_count,
from compared_with_yesterday
where {{ in_build_window("trade_date") }}
