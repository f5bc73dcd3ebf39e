-- Suspended members can be neither bought nor sold, those at a limit only one of the
-- two. Weights stand at the close before, as in the industry's return. Only days on
-- which some strategy decides or trades are looked at.
with rebalance as (
    select
        signal_date,
        execution_date,
    from {{ ref("int_rotation_rebalance") }}
    where asset_type <> 'stock'
),

execution_day as (
    select execution_date as trade_date,
    from rebalance
    where execution_date is not null
    union
    select signal_date as trade_date,
    from rebalance
    where signal_date is not null
),

-- The days are few: both long panels are cut to them before they are joined.
tradability as (
    select
        tradability_day.trade_date,
        tradability_day.security_code,
        tradability_day.is_suspended,
        tradability_day.opens_at_limit_up,
        tradability_day.opens_at_limit_down,
        tradability_day.closes_at_limit_up,
        tradability_day.closes_at_limit_down,
    from {{ ref("int_tradability_day") }} as tradability_day
    inner join execution_day on tradability_day.trade_date = execution_day.trade_date
),

weight as (
    select
        security_day.trade_date,
        security_day.security_code,
        security_day.previous_float_cap_cny,
    from {{ ref("int_security_day") }} as security_day
    inner join execution_day on security_day.trade_date = execution_day.trade_date
    where security_day.previous_float_cap_cny is not null
),

industry_member as (
    select
        industry_system,
        industry_code,
        security_code,
        valid_from,
        coalesce(valid_to, date '9999-12-31') as valid_to,
    from {{ ref("int_industry_member") }}
),

weighted as (
    select
        weight.trade_date,
        weight.security_code,
        weight.previous_float_cap_cny,
        tradability.is_suspended,
        tradability.is_suspended or tradability.opens_at_limit_up
            as is_unbuyable_at_open,
        tradability.is_suspended or tradability.opens_at_limit_down
            as is_unsellable_at_open,
        tradability.is_suspended or tradability.closes_at_limit_up
            as is_unbuyable_at_close,
        tradability.is_suspended or tradability.closes_at_limit_down
            as is_unsellable_at_close,
    from weight
    inner join
        tradability
        on
            weight.trade_date = tradability.trade_date
            and weight.security_code = tradability.security_code
),

summed_by_industry as (
    select
        industry_member.industry_system,
        industry_member.industry_code,
        weighted.trade_date,
        {{ exact_sum("weighted.previous_float_cap_cny", 4) }} as float_cap_cny,
        {%- for side in [
            "is_suspended", "is_unbuyable_at_open", "is_unsellable_at_open",
            "is_unbuyable_at_close", "is_unsellable_at_close"
        ] %}
        {{
            exact_sum(
                "case when weighted." ~ side
                ~ " then weighted.previous_float_cap_cny else 0 end",
                4,
            )
        }} as {{ side }}_cny,
        {%- endfor %}
    from weighted
    inner join
        industry_member
        on
            weighted.security_code = industry_member.security_code
            and weighted.trade_date >= industry_member.valid_from
            and weighted.trade_date < industry_member.valid_to
    group by
        industry_member.industry_system,
        industry_member.industry_code,
        weighted.trade_date
)

select
    'industry' as asset_type,
    industry_system as asset_pool,
    industry_code as asset_code,
    trade_date,
    {{ safe_divide("is_suspended_cny", "float_cap_cny") }} as suspended_share,
    {{ safe_divide("is_unbuyable_at_open_cny", "float_cap_cny") }}
        as unbuyable_open_share,
    {{ safe_divide("is_unsellable_at_open_cny", "float_cap_cny") }}
        as unsellable_open_share,
    {{ safe_divide("is_unbuyable_at_close_cny", "float_cap_cny") }}
        as unbuyable_close_share,
    {{ safe_divide("is_unsellable_at_close_cny", "float_cap_cny") }}
        as unsellable_close_share,
from summed_by_industry
