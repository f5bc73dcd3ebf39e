{{ config(meta={"dagster": {"ref": {"name": "fct_industry_coverage_daily"}}}) }}

-- Every security of a day is in an industry return or counted, from listings and
-- memberships, under the reason why not; the diffusion index has the same members and,
-- besides, those on their first day. A row is a day of a system whose counts do not add
-- up.
select
    industry_system,
    trade_date,
    security_count,
    member_count,
    first_day_count,
    without_industry_count,
    without_cap_count,
    diffusion_member_count,
    diffusion_excluded_count,
from {{ ref("fct_industry_coverage_daily") }}
where
    security_count = 0
    or without_industry_count < 0
    or without_cap_count not between 0 and member_count
    or security_count
    <> member_count + first_day_count + without_industry_count
    or diffusion_member_count + diffusion_excluded_count
    not between member_count and member_count + first_day_count
