{#
    What the tradable micro-cap indices held on the last day of the market before the build
    window. No rows in a full build, which starts with nothing.
-#}
{% macro held_before(relation) -%}
    {%- set build_from = refresh_var("build_from") -%}
    {%- if build_from -%}
    select
        index_code,
        security_code,
        day_index,
    from {{ relation }}
    where
        is_held
        and trade_date = (
            select max(trading_day.trade_date)
            from {{ ref("int_trading_day") }} as trading_day
            where
                trading_day.is_loaded
                and trading_day.trade_date < date '{{ build_from }}'
        )
    {%- else -%}
    select
        cast(null as varchar) as index_code,
        cast(null as varchar) as security_code,
        cast(null as integer) as day_index,
    where false
    {%- endif -%}
{%- endmacro %}
