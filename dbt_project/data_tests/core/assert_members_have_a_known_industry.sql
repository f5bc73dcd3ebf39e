{{ config(meta={"dagster": {"ref": {"name": "dim_industry_member"}}}) }}

-- A row is an industry of a member that dim_industry does not name.
select
    member.industry_system,
    member.industry_code,
    count(*) as member_count,
from {{ ref("dim_industry_member") }} as member
left join {{ ref("dim_industry") }} as industry
    on
        member.industry_system = industry.industry_system
        and member.industry_code = industry.industry_code
where industry.industry_code is null
group by member.industry_system, member.industry_code
