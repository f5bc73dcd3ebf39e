{{ config(materialized="view") }}

with check_result as (
    select
        run_id,
        checked_at,
        check_name,
        table_name,
        severity,
        status,
        failure_count,
        message,
    from {{ source("raw", "check_result") }}
),

-- The first check of every refresh; without one, as when dbt is run by hand, any run.
newest_run as (
    select run_id,
    from check_result
    group by run_id
    order by
        bool_or(check_name = 'loads_add_up') desc,
        max(checked_at) desc,
        run_id desc
    limit 1
),

-- A step that was tried again checks again.
newest_attempt as (
    select
        check_result.run_id,
        check_result.checked_at,
        check_result.check_name,
        check_result.table_name,
        check_result.severity,
        check_result.status,
        check_result.failure_count,
        check_result.message,
    from check_result
    where
        check_result.run_id in (select newest_run.run_id, from newest_run)
        -- Monthly, in a run of its own.
        or check_result.check_name = 'causality'
    qualify
        row_number() over (
            partition by check_result.check_name order by check_result.checked_at desc
        ) = 1
)

select
    cast(check_name as varchar) as check_name,
    cast(table_name as varchar) as table_name,
    cast(severity as varchar) as severity,
    cast(status as varchar) as status,
    cast(failure_count as bigint) as failure_count,
    cast(message as varchar) as message,
    cast(run_id as varchar) as run_id,
    cast(checked_at as timestamp with time zone) as checked_at,
from newest_attempt
