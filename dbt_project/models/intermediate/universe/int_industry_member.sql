with member as (
    select
        security_code,
        industry_system,
        industry_code,
        valid_from,
        valid_to,
    from {{ ref("stg_industry_member") }}
    where industry_system in ('citic1', 'pool32', 'shenwan1')
),

-- Vendors that give only first days leave the last day to the next row.
closed_by_next as (
    select
        security_code,
        industry_system,
        industry_code,
        valid_from,
        least(
            valid_to,
            lead(valid_from) over (
                partition by security_code, industry_system
                order by valid_from
            )
        ) as valid_to,
    from member
)

select
    security_code,
    industry_system,
    valid_from,
    industry_code,
    valid_to,
from closed_by_next
