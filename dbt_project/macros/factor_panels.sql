{#
    Wide panels of factors: a model with one row per exchange week and security, and the
    columns in it that are factors. What tests and publishes factors reads all of them: a
    new panel is one more entry.
-#}
{% macro factor_panels() -%}
    {{ return([
        {"model": "int_style_factor_weekly", "factors": style_factor_codes()},
        {"model": "int_score_factor_weekly", "factors": score_factor_codes()},
        {
            "model": "int_high_frequency_factor_weekly",
            "factors": high_frequency_factors().keys() | list,
        },
    ]) }}
{%- endmacro %}
