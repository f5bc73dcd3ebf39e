{#- Lines of one method: days of the first average and of the second, and whether the
    second runs over the first or over the share. #}
{%- set methods = [
    ("diffusion", "roc", true),
    ("relative_strength", "strength", false),
] %}

with basket_count as (
    select
        index_code,
        trade_date,
        roc_share,
        strength_share,
    from {{ ref("int_basket_count_daily") }}
),

{% for method, name, is_smoothed_twice in methods -%}
{{ name }}_fast as (
    select
        index_code,
        trade_date,
        {{ name }}_share as share,
        case {{ parameter_of("index_code", name ~ "_fast_days") }}
            {% for days in parameter_values(name ~ "_fast_days") -%}
            when {{ days }}
                then
                    {{
                        moving_share_mean(
                            name ~ "_share", days, "index_code", "trade_date"
                        )
                    }}
            {% endfor -%}
        end as fast_average,
    from basket_count
    where {{ name }}_share is not null
),

{{ name }}_slow as (
    select
        index_code,
        '{{ method }}' as method,
        trade_date,
        share,
        fast_average,
        case {{ parameter_of("index_code", name ~ "_slow_days") }}
            {% for days in parameter_values(name ~ "_slow_days") -%}
            when {{ days }}
                then
                    {{
                        moving_share_mean(
                            "fast_average" if is_smoothed_twice else "share",
                            days,
                            "index_code",
                            "trade_date",
                        )
                    }}
            {% endfor -%}
        end as slow_average,
    from {{ name }}_fast
){% if not loop.last %},{% endif %}

{% endfor -%}
{% for method, name, is_smoothed_twice in methods -%}
select
    index_code,
    method,
    trade_date,
    share,
    fast_average,
    slow_average,
    {{ is_above("fast_average", "slow_average") }} as is_full,
from {{ name }}_slow
where slow_average is not null
{% if not loop.last -%}
union all
{% endif -%}
{% endfor %}
