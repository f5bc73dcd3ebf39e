{#
    A text without tags, entities, control and invisible characters, with single spaces.
    What would be left of a longer angle bracket than a tag's is not mark-up.
-#}
{% macro clean_text(expression) -%}
    trim(
        regexp_replace(
            regexp_replace(
                {{ expression }},
                '<[/!]?[a-zA-Z][^<>]{0,500}>|&#?[a-zA-Z0-9]{2,8};|[\p{Cc}\p{Cf}]',
                ' ',
                'g'
            ),
            '[\s\x{3000}\x{00a0}]+',
            ' ',
            'g'
        )
    )
{%- endmacro %}
