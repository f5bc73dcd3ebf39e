{#
    Hook after a run: the results of all data tests become rows of raw.check_result. The
    run is Dagster's where it started dbt, else dbt's own invocation.
-#}
{% macro record_check_results(results) -%}
    {%- if execute -%}
        {%- set run_id = env_var("LUNDONG_RUN_ID", invocation_id) -%}
        {%- set rows = [] -%}
        {%- for result in results
            if result.node.resource_type == "test" and result.status != "skipped" -%}
            {%- set tested = (
                graph.nodes.get(result.node.attached_node)
                or graph.sources.get(result.node.attached_node)
            ) -%}
            {%- set message = (result.message or "") | replace("'", "''") -%}
            {%- do rows.append(
                "('" ~ run_id ~ "', '" ~ result.node.name ~ "', "
                ~ ("'" ~ tested.schema ~ "." ~ tested.name ~ "'" if tested else "null")
                ~ ", '" ~ (result.node.config.severity | lower) ~ "', '"
                ~ result.status ~ "', "
                ~ (result.failures if result.failures is not none else "null")
                ~ ", '" ~ message ~ "')"
            ) -%}
        {%- endfor -%}
        {%- if rows -%}
            insert into raw.check_result (
                run_id, checked_at, check_name, table_name, severity, status,
                failure_count, message
            )
            select
                result.run_id,
                now(),
                result.check_name,
                result.table_name,
                result.severity,
                result.status,
                result.failure_count,
                nullif(result.message, '')
            from (
                values
                {{ rows | join(",\n                ") }}
            ) as result (
                run_id, check_name, table_name, severity, status, failure_count, message
            )
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}
