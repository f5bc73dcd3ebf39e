select
    cast(security_code as varchar) as security_code,
    cast(industry_system as varchar) as industry_system,
    cast(valid_from as date) as valid_from,
    cast(industry_code as varchar) as industry_code,
    cast(valid_to as date) as valid_to,
from {{ ref("int_industry_member") }}
