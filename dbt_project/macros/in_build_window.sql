{#
    Condition that a row belongs to the build window, from `build_from` on; true without
    one. With `lookback_days` the window starts that many exchange days earlier, at least:
    a row's inputs may then be complete where the row itself is rewritten. Five exchange
    days are taken as eight calendar days, and three weeks more for the longest holidays:
    a date known when the SQL is written prunes the scan, a subquery would not.
-#}
{% macro in_build_window(date_column, lookback_days=0) -%}
    {%- if refresh_var("build_from") is none -%}
        true
    {%- elif lookback_days == 0 -%}
        {{ date_column }} >= date '{{ refresh_var("build_from") }}'
    {%- else -%}
        {{ date_column }}
        >= date '{{ refresh_var("build_from") }}' - {{ 8 * lookback_days // 5 + 21 }}
    {%- endif -%}
{%- endmacro %}

{# A build without a window is a full one, whatever dbt remembers of the table. -#}
{% macro should_full_refresh() -%}
    {{ return(refresh_var("build_from") is none or flags.FULL_REFRESH) }}
{%- endmacro %}

{#
    Incremental strategy of the long panels: rows of the window are deleted, whether the
    new build has them or not, and written again. A model whose rows bear no trade_date
    names their column in its meta, `window_column`. A week is named by its last day: all
    whose own days, or those of the week before, are rewritten lie in the window, and no
    other.
-#}
{% macro get_incremental_rewrite_window_sql(arg_dict) -%}
    {%- set columns = arg_dict["dest_columns"] | map(attribute="quoted") | join(", ") -%}
    {%- set meta = config.get("meta") or {} -%}
    delete from {{ arg_dict["target_relation"] }}
    where {{ in_build_window(meta.get("window_column", "trade_date")) }};

    insert into {{ arg_dict["target_relation"] }} ({{ columns }})
    select {{ columns }} from {{ arg_dict["temp_relation"] }}
{%- endmacro %}
