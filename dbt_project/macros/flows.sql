{#
    Money that came into a fund between two closes, seen from its assets alone: what is
    there now less what was there before, grown by the return of a share. The daily sum of
    share changes is the flow; this is what it is checked against.
-#}
{% macro identity_inflow(assets, assets_previous, share_return) -%}
    {{ assets }} - {{ assets_previous }} * (1 + {{ share_return }})
{%- endmacro %}

{# Of a limit-up stock, whether its run began in the first days after its listing. -#}
{% macro is_new_listing(listed_days, list_date, first_calendar_date) -%}
    coalesce(
        {{ listed_days }} <= {{ var("limit_up_listing_days") }}
        -- Older listings are counted from the first day of the calendar.
        and {{ list_date }} >= {{ first_calendar_date }},
        false
    )
{%- endmacro %}

{# The code that stands for the whole market, once in every industry system. -#}
{% macro market_code() -%} 'all' {%- endmacro %}
