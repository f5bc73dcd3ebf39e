{#
    Wide panels of factors: a model with one row per exchange week and security, and the
    columns in it that are factors. What tests and publishes factors reads all of them: a
    new panel is one more entry. `tested`: the panel of the same columns that ICs and
    layers are taken of, where it is not the values themselves but what industry and size
    leave of them; it has their standard scores in columns `_z_score`.
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

{# A panel with the scores that its tested panel has of it. -#}
{% macro panel_with_scores(panel) -%}
    select
        panel.trade_week,
        panel.security_code,
        {% for factor in panel.factors -%}
        panel.{{ factor }},
        tested.{{ factor }}_z_score,
        tested.{{ factor }} as {{ factor }}_neutral_z_score,
        {% endfor %}
    from {{ ref(panel.model) }} as panel
    left join {{ ref(panel.tested) }} as tested
        on
            panel.trade_week = tested.trade_week
            and panel.security_code = tested.security_code
    where {{ in_build_window("panel.trade_week") }}
{%- endmacro %}
