{#
    Groups of which a table has another number of rows than the loaded data allow. `spine`
    names the macro that says so, spine_<name>: rows of `columns` and row_count, from what
    the table was made of, never from the table.
-#}
{% test covers(model, columns, spine) -%}
    with found as (
        select
            {{ columns | join(", ") }},
            count(*) as found_count,
        from {{ model }}
        group by {{ columns | join(", ") }}
    ),

    expected as (
        {{ spine_of(spine) }}
    )

    select
        {{ columns | join(", ") }},
        coalesce(expected.row_count, 0) as expected_count,
        coalesce(found.found_count, 0) as found_count,
    from expected
    full outer join found using ({{ columns | join(", ") }})
    where expected.row_count is distinct from found.found_count
{%- endtest %}
