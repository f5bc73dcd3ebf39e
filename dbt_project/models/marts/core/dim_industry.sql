select
    cast(industry_system as varchar) as industry_system,
    cast(industry_code as varchar) as industry_code,
    cast(name_cn as varchar) as name_cn,
    cast(name_en as varchar) as name_en,
from {{ ref("industry") }}
