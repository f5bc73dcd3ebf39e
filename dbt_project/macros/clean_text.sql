{#
    A text without mark-up, control and invisible characters, with single spaces.
    What stands within a word goes without a trace: 上<b>调</b> is 上调. A bracket is a
    tag's by its ASCII name and attributes only: in PE<a公司和b> it is a comparison.
-#}
{% macro clean_text(expression) -%}
    {%- set inline -%} a|b|i|u|em|strong|span|font|sup|sub {%- endset -%}
    {%- set end -%}
        (?:\s(?:"[^"<>]*"|''[^''<>]*''|[!-;=?-~\s])*|/)?>
    {%- endset -%}
    {%- set invisible -%} \p{Cf}|&(?:shy|zwn?j|#173|#xad|#8203|#x200b); {%- endset -%}
    {%- set entity -%}
        &(?:[a-zA-Z]{2,8}[0-9]{0,2}|#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6});
    {%- endset -%}
    {%- set tag -%}
        </?[a-zA-Z][a-zA-Z0-9:-]*{{ end }}|<![a-zA-Z][!-;=?-~\s]*>
    {%- endset -%}
    trim(
        regexp_replace(
            regexp_replace(
                {{ expression }},
                '(?is)<!--.*?-->|</?(?:{{ inline }}){{ end }}|{{ invisible }}',
                '',
                'g'
            ),
            '(?:{{ tag }}|{{ entity }}|[\p{Cc}\s\x{3000}\x{00a0}])+',
            ' ',
            'g'
        )
    )
{%- endmacro %}
