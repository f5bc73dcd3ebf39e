{#
    Whether the week that ends on a day is the last of its fortnight. Fortnights are
    counted from Monday 1990-12-17, the week in which the Shanghai exchange opened, so
    they do not depend on where the data begin. Where the second week has no trading, the
    first ends its fortnight, as soon as the calendar shows it.
-#}
{% macro is_biweek_end(week_end, next_week_end) -%}
    (
        ({{ week_end }} - date '1990-12-17') // 7 % 2 = 1
        or coalesce(
            ({{ week_end }} - date '1990-12-17') // 14
            < ({{ next_week_end }} - date '1990-12-17') // 14,
            false
        )
    )
{%- endmacro %}
