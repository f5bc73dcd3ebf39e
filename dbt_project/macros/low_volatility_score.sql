{#
    Sum of two ranks among the members of a pool on a day, equal scores with their average
    rank: total market cap and volatility of a year, both ascending, so that the lowest
    sum is small and calm. Members without a volatility yet are not ranked. `pool` are
    the columns that name a pool; `member` has them, trade_date and security_code.
-#}
{% macro low_volatility_score(member, pool) -%}
{%- set group = pool | join(", ") ~ ", trade_date" -%}
with factor as (
    select
        trade_week as trade_date,
        security_code,
        log_market_cap,
        volatility_1y,
    from {{ ref("int_style_factor_weekly") }}
    where
        log_market_cap is not null
        and volatility_1y is not null
),

pooled as (
    select
        {{ prefixed(pool, "member") }},
        member.trade_date,
        member.security_code,
        factor.log_market_cap,
        factor.volatility_1y,
    from {{ member }} as member
    inner join
        factor
        on
            member.trade_date = factor.trade_date
            and member.security_code = factor.security_code
)

select
    {{ pool | join(", ") }},
    trade_date,
    security_code,
    {{ average_rank("log_market_cap", group) }}
    + {{ average_rank("volatility_1y", group) }} as score,
from pooled
{%- endmacro %}

{# Ascending rank within a partition, equal values with their average rank. -#}
{% macro average_rank(column, partition) -%}
    rank() over (partition by {{ partition }} order by {{ column }})
    + (count(*) over (partition by {{ partition }}, {{ column }}) - 1) / 2
{%- endmacro %}
