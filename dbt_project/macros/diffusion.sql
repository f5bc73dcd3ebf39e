{#
    Whether a stock's adjusted close is above its past: `roc` the close of `days` exchange
    days before, `ma` the mean of the last `days` closes, this one included. NULL before
    the stock has been listed so long. Means are compared as sums of millionths, so that a
    price that never moves ties with its mean.
-#}
{% macro is_above_past(test, days) -%}
    {%- if test == "roc" -%}
    adjusted_close > lag(adjusted_close, {{ days }}) over (
        partition by security_code
        order by day_index
    )
    {%- elif test == "ma" -%}
    {%- set frame -%}
    (
        partition by security_code
        order by day_index
        rows between {{ days - 1 }} preceding and current row
    )
    {%- endset -%}
    case
        when count(*) over {{ frame }} = {{ days }}
            then
                {{ days }} * cast(adjusted_close as decimal(18, 6))
                > sum(cast(adjusted_close as decimal(18, 6))) over {{ frame }}
    end
    {%- else -%}
    {{ exceptions.raise_compiler_error("momentum_test is roc or ma, not " ~ test) }}
    {%- endif -%}
{%- endmacro %}

{#
    Mean of a share over the last `days` exchange days, NULL unless all have one; exact, so
    that a build by windows gives the same bits.
-#}
{% macro smoothed_share(column, days) -%}
    {%- if days == 1 -%}
    {{ column }}
    {%- else -%}
    {%- set frame -%}
    (
        partition by industry_system, industry_code, variant
        order by day_index
        range between {{ days - 1 }} preceding and current row
    )
    {%- endset -%}
    case
        when count({{ column }}) over {{ frame }} = {{ days }}
            then
                cast(
                    sum(cast({{ column }} as decimal(18, 15))) over {{ frame }} as double
                ) / {{ days }}
    end
    {%- endif -%}
{%- endmacro %}
