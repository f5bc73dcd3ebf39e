{#
    The 27 high-frequency factors in the order of methodology 5, each with the session
    over which it is computed and what it is computed from: minute bars, or trades or
    orders with a proxy of minute bars.
-#}
{% macro high_frequency_factors() -%}
    {{ return({
        "late_skew_ret": {"session": "late", "level": "bar"},
        "down_vol_perc": {"session": "day", "level": "bar"},
        "corr_ret_lastret": {"session": "day", "level": "bar"},
        "corr_close_nextopen": {"session": "day", "level": "bar"},
        "volume_perc2": {"session": "day", "level": "bar"},
        "volume_perc3": {"session": "day", "level": "bar"},
        "volume_perc4": {"session": "day", "level": "bar"},
        "volume_perc5": {"session": "day", "level": "bar"},
        "volume_perc6": {"session": "day", "level": "bar"},
        "volume_perc7": {"session": "day", "level": "bar"},
        "corr_volume_item": {"session": "day", "level": "bar"},
        "early_corr_volume_ret": {"session": "early", "level": "bar"},
        "bigorder_ret": {"session": "day", "level": "bar"},
        "down_single_amt_perc": {"session": "day", "level": "bar"},
        "corr_volume_amplitude": {"session": "day", "level": "bar"},
        "bigorder_amt_perc": {"session": "day", "level": "trade"},
        "early_bigorder_buy_perc": {"session": "early", "level": "trade"},
        "bigorder_ret2": {"session": "day", "level": "trade"},
        "early_active_bigorder_ret": {"session": "early", "level": "trade"},
        "concentration_diff": {"session": "day", "level": "trade"},
        "early_active_buy_perc": {"session": "early", "level": "trade"},
        "corr_netactivebuy_lastret": {"session": "day", "level": "trade"},
        "corr_netactivebuy_nextret": {"session": "day", "level": "trade"},
        "skew_order_diff": {"session": "day", "level": "order"},
        "kurt_order_diff": {"session": "day", "level": "order"},
        "early_kurt_order": {"session": "early", "level": "order"},
        "corr_buyorder_volume_price": {"session": "day", "level": "order"},
    }) }}
{%- endmacro %}

{# Those of one level. -#}
{% macro high_frequency_factors_of(level) -%}
    {%- set found = [] -%}
    {%- for factor, kind in high_frequency_factors().items() if kind.level == level -%}
        {%- do found.append(factor) -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}

{#
    A return or a share in billionths. Products of two fit 64 bits, so that all sums over
    bars and trades are exact, whatever the order of the rows, and cost a fifth of sums
    of doubles made exact afterwards. A return within one bar above 300% is a false
    price and counts as 300%. A share also fits 32 bits.
-#}
{% macro billionths(expression, is_bounded=false, type="bigint") -%}
    {%- if is_bounded -%}
    cast(({{ expression }}) * 1e9 as {{ type }})
    {%- else -%}
    case
        when {{ expression }} > 3 then 3000000000
        else cast(({{ expression }}) * 1e9 as bigint)
    end
    {%- endif -%}
{%- endmacro %}

{# A price or an amount in whole 1e-4 CNY: prices of the exchanges have fewer digits. -#}
{% macro ten_thousandths(expression) -%}
    cast(({{ expression }}) * 1e4 as bigint)
{%- endmacro %}

{# Whether the row before in the window lies in the same half of the day. -#}
{% macro is_same_half(minute, rows_before, window) -%}
    (lag({{ minute }}, {{ rows_before }}) over {{ window }} > 120) = ({{ minute }} > 120)
{%- endmacro %}

{# Sums that a correlation needs, of two integers that are NULL together. -#}
{% macro pair_sums(name, x, y) -%}
        count({{ x }}) as {{ name }}_n,
        sum({{ x }}) as {{ name }}_x,
        sum({{ y }}) as {{ name }}_y,
        sum({{ x }} * {{ x }}) as {{ name }}_xx,
        sum({{ y }} * {{ y }}) as {{ name }}_yy,
        sum({{ x }} * {{ y }}) as {{ name }}_xy
{%- endmacro %}

{# Pearson's correlation; NULL below the minimum count and where either is constant. -#}
{% macro pair_correlation(name) -%}
    {{
        rank_correlation(
            name ~ "_n",
            name ~ "_xy",
            name ~ "_x",
            name ~ "_xx",
            name ~ "_y",
            name ~ "_yy",
            var("high_frequency_minimum_bars"),
        )
    }}
{%- endmacro %}

{# Sums that skewness needs, and with `fourth` kurtosis, of an integer. -#}
{% macro moment_sums(name, x, fourth=true) -%}
        count({{ x }}) as {{ name }}_n,
        sum({{ x }}) as {{ name }}_s1,
        sum({{ x }} * {{ x }}) as {{ name }}_s2,
        sum(cast({{ x }} * {{ x }} as hugeint) * {{ x }}) as {{ name }}_s3
        {%- if fourth %},
        sum(cast({{ x }} * {{ x }} as hugeint) * ({{ x }} * {{ x }})) as {{ name }}_s4
        {%- endif %}
{%- endmacro %}

{#
    Skewness and excess kurtosis as moments of the values at hand, not as estimates of a
    population: m3 / m2^1.5 and m4 / m2^2 - 3. NULL below the minimum count and of a
    constant, which integers tell without a tolerance.
-#}
{% macro skewness_of_sums(name) -%}
    case
        when {{ has_spread(name) }}
            then
                (
                    {{ moment(name, 3) }}
                    - 3 * {{ moment(name, 1) }} * {{ moment(name, 2) }}
                    + 2 * power({{ moment(name, 1) }}, 3)
                )
                / power({{ moment(name, 2) }} - power({{ moment(name, 1) }}, 2), 1.5)
    end
{%- endmacro %}

{% macro kurtosis_of_sums(name) -%}
    case
        when {{ has_spread(name) }}
            then
                (
                    {{ moment(name, 4) }}
                    - 4 * {{ moment(name, 1) }} * {{ moment(name, 3) }}
                    + 6 * power({{ moment(name, 1) }}, 2) * {{ moment(name, 2) }}
                    - 3 * power({{ moment(name, 1) }}, 4)
                )
                / power({{ moment(name, 2) }} - power({{ moment(name, 1) }}, 2), 2)
                - 3
    end
{%- endmacro %}

{% macro has_spread(name) -%}
    {{ name }}_n >= {{ var("high_frequency_minimum_bars") }}
            and {{ name }}_n * {{ name }}_s2 > {{ name }}_s1 * {{ name }}_s1
{%- endmacro %}

{# A raw moment, in whole units again. -#}
{% macro moment(name, order) -%}
    (cast({{ name }}_s{{ order }} as double) / 1e{{ 9 * order }} / {{ name }}_n)
{%- endmacro %}

{#
    The mean plus one sample standard deviation of the stock's day, from exact sums; NULL
    of one value. What is more is big: of a constant nothing is.
-#}
{% macro big_threshold(count, total, squares) -%}
    (
        cast({{ total }} as double)
        + sqrt(
            cast({{ count }} * {{ squares }} - {{ total }} * {{ total }} as double)
            * {{ count }} / nullif({{ count }} - 1, 0)
        )
    ) / {{ count }}
{%- endmacro %}

{#
    Minute of the two sessions in which a trade or an order falls, 1 to 240; NULL outside.
    What bears the very second of a session's end, as the closing auction does, belongs
    to its last minute.
-#}
{% macro tick_minute(time) -%}
    case
        when cast({{ time }} as time) between time '09:30:00' and time '11:30:00'
            then least(60 * hour({{ time }}) + minute({{ time }}) - 569, 120)
        when cast({{ time }} as time) between time '13:00:00' and time '15:00:00'
            then least(60 * hour({{ time }}) + minute({{ time }}) - 659, 240)
    end
{%- endmacro %}

{# Mean of the days that have a value; NULL below `minimum` of them. -#}
{% macro mean_of_days(column, minimum) -%}
    case
        when count({{ column }}) >= {{ minimum }}
            then {{ exact_mean(column, 18) }}
    end
{%- endmacro %}
