{#
    Whether a daily bar tells of trades, as the loader's checks have it too: some vendors
    give flat bars without volume on suspended days; where no volume is stated at all, a
    price that moved does.
-#}
{% macro is_traded() -%}
    coalesce(volume_shares > 0, high_cny > low_cny, false)
{%- endmacro %}
