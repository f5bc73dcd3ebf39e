{#
    Newey and West's t value of the mean of a series, in three steps: lags of the series
    in its order, sums over it, and the value from the sums. The lags are
    floor(4 (n / 100)^(2/9)), and never more than eight: up to 3,844 weeks that is none less.
    All sums are exact, so that the order in which rows arrive does not show.
-#}
{% macro newey_west_lag_columns(column, window) -%}
    {% for lag in range(1, 9) -%}
    lag({{ column }}, {{ lag }}) over {{ window }} as lag_{{ lag }},
    {% endfor -%}
{%- endmacro %}

{# With `window` the sums run over it, otherwise over the group. -#}
{% macro newey_west_sum_columns(column, window=none) -%}
    {%- set over = " over " ~ window if window else "" -%}
    count({{ column }}){{ over }} as value_count,
    {{ newey_west_sum(column, 18, over) }} as value_sum,
    {{ newey_west_sum(column ~ " * " ~ column, 20, over) }} as square_sum,
    {% for lag in range(1, 9) -%}
    {% set lagged = "lag_" ~ lag -%}
    {{ newey_west_sum(column ~ " * " ~ lagged, 20, over) }} as product_sum_{{ lag }},
    {{ newey_west_sum(column, 18, over, lagged ~ " is not null") }}
        as later_sum_{{ lag }},
    {{ newey_west_sum(lagged, 18, over) }} as earlier_sum_{{ lag }},
    {% endfor -%}
{%- endmacro %}

{% macro newey_west_sum(expression, scale, over, condition=none) -%}
    cast(
        sum(cast({{ expression }} as decimal(38, {{ scale }})))
        {%- if condition %} filter (where {{ condition }}){% endif %}{{ over }} as double
    )
{%- endmacro %}

{# Mean, sample standard deviation, their ratio and the t value, from the sums. -#}
{% macro series_mean() -%}
    value_sum / nullif(value_count, 0)
{%- endmacro %}

{% macro series_stddev() -%}
    sqrt(
        greatest(square_sum - value_sum * value_sum / nullif(value_count, 0), 0)
        / nullif(value_count - 1, 0)
    )
{%- endmacro %}

{# A spread below 1e-7 is rounding, not a spread. -#}
{% macro series_mean_over_stddev() -%}
    case
        when {{ series_stddev() }} > 1e-7
            then {{ series_mean() }} / {{ series_stddev() }}
    end
{%- endmacro %}

{% macro series_newey_west_t() -%}
    {%- set mean = "(value_sum / value_count)" -%}
    {%- set lag_count = "least(floor(4 * power(value_count / 100, 2 / 9)), 8)" -%}
    {%- set long_run -%}
    (
                square_sum
                - value_count * {{ mean }} * {{ mean }}
                {%- for lag in range(1, 9) %}
                + 2
                * greatest(1 - {{ lag }} / ({{ lag_count }} + 1), 0)
                * coalesce(
                    product_sum_{{ lag }}
                    - {{ mean }} * (later_sum_{{ lag }} + earlier_sum_{{ lag }})
                    + (value_count - {{ lag }}) * {{ mean }} * {{ mean }},
                    0
                )
                {%- endfor %}
            ) / value_count
    {%- endset -%}
    case
        when value_count >= 3 and {{ long_run }} > 1e-14
            then
                {{ mean }} / sqrt({{ long_run }} / value_count)
    end
{%- endmacro %}
