{#
    A variable of one run: `build_from`, `as_of_date` or `known_at`. The refresh gives it
    as LUNDONG_<NAME> in the environment, and it is read when a model runs: another
    `--vars` each week would make dbt parse the whole project again. `--vars` is taken
    where the environment says nothing.
-#}
{% macro refresh_var(name) -%}
    {%- set given = env_var("LUNDONG_" ~ name | upper, "") if execute else "" -%}
    {{ return(given or var(name, none)) }}
{%- endmacro %}
