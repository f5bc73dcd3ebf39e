{#
    State of the price panel before the build window: each security's last row, from the
    last day of the market before the window on. No rows in a full build.
-#}
{% macro price_state_before(relation) -%}
    {%- set columns = {
        "security_code": "varchar",
        "day_index": "integer",
        "adjusted_close": "double",
        "adjust_factor": "double",
        "traded_days": "integer",
        "total_shares": "double",
        "float_shares": "double",
        "is_float_reported": "boolean",
    } -%}
    {%- set build_from = refresh_var("build_from") -%}
    select
        {%- for column, type in columns.items() %}
        {% if build_from %}{{ column }}{% else %}cast(null as {{ type }}) as {{ column }}
        {%- endif %},
        {%- endfor %}
    {%- if build_from %}
    from {{ relation }}
    where
        trade_date >= (
            select max(trading_day.trade_date)
            from {{ ref("int_trading_day") }} as trading_day
            where
                trading_day.is_loaded
                and trading_day.trade_date < date '{{ build_from }}'
        )
        and trade_date < date '{{ build_from }}'
    qualify
        row_number() over (partition by security_code order by trade_date desc) = 1
    {%- else %}
    where false
    {%- endif %}
{%- endmacro %}
