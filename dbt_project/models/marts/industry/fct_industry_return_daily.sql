select
    cast(industry_system as varchar) as industry_system,
    cast(industry_code as varchar) as industry_code,
    cast(trade_date as date) as trade_date,
    cast(equal_weight_return as double) as equal_weight_return,
    cast(float_cap_return as double) as float_cap_return,
    cast(overnight_return as double) as overnight_return,
    cast(intraday_return as double) as intraday_return,
    cast(member_count as bigint) as member_count,
    cast(weighted_count as bigint) as weighted_count,
    cast(previous_float_cap_cny as double) as previous_float_cap_cny,
    cast(weight_source as varchar) as weight_source,
from {{ ref("int_industry_return_daily") }}
