{#
    Wide panels of factors: a model with one row per exchange week and security, and the
    columns in it that are factors. What tests and publishes factors reads all of them: a
    new panel is one more entry. `tested`: the panel of the same columns that ICs and
    layers are taken of, where it is not the values themselves.
-#}
{% macro factor_panels() -%}
    {{ return([
        {"model": "int_style_factor_weekly", "factors": style_factor_codes()},
        {"model": "int_score_factor_weekly", "factors": score_factor_codes()},
        {
            "model": "int_high_frequency_factor_weekly",
            "tested": "int_neutral_high_frequency_factor_weekly",
            "factors": high_frequency_factors().keys() | list,
        },
    ]) }}
{%- endmacro %}

{# The panels whose ICs, layers and decay are taken. -#}
{% macro tested_factor_panels() -%}
    {%- set panels = [] -%}
    {%- for panel in factor_panels() -%}
        {%- do panels.append(
            {"model": panel.tested or panel.model, "factors": panel.factors}
        ) -%}
    {%- endfor -%}
    {{ return(panels) }}
{%- endmacro %}
