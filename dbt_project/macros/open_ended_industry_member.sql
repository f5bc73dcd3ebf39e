{#
    Industry members in ranges whose end is a date always, far ahead while they last: for
    joins of many days, in which an `or valid_to is null` would cost the hash join.
-#}
{% macro open_ended_industry_member() -%}
    select
        industry_system,
        industry_code,
        security_code,
        valid_from,
        coalesce(valid_to, date '9999-12-31') as valid_to,
    from {{ ref("int_industry_member") }}
{%- endmacro %}
