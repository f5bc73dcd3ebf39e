with position as (
    select
        index_code,
        trade_date,
        was_member,
        is_member,
        was_held,
        is_held,
        is_suspended,
        daily_return,
        overnight_return,
        intraday_return,
    from {{ ref("int_microcap_position") }}
),

monthly_growth as (
    select
        growth.index_code,
        growth.trade_date,
        growth.basis_date,
        growth.growth,
        lag(growth.growth, 1, 1) over (
            partition by growth.index_code, growth.basis_date
            order by growth.trade_date
        ) as previous_growth,
    from {{ ref("int_microcap_monthly_growth") }} as growth
    inner join {{ ref("microcap_index") }} as microcap_index
        on
            growth.index_code = microcap_index.index_code
            and growth.basis_count >= microcap_index.minimum_members
),

-- Every day of the panel, whether the index has members or not.
index_day as (
    select
        microcap_index.index_code,
        microcap_index.minimum_members,
        trading_day.trade_date,
    from {{ ref("int_trading_day") }} as trading_day
    cross join {{ ref("microcap_index") }} as microcap_index
    where
        trading_day.is_loaded
        and trading_day.trade_date >= (
            select min(security_day.trade_date),
            from {{ ref("int_security_price_day") }} as security_day
        )
),

counted as (
    select
        index_code,
        trade_date,
        count(*) filter (where is_member) as member_count,
        count(*) filter (where was_member) as earning_count,
        count(*) filter (where was_member and not is_suspended) as traded_count,
        count(*) filter (where is_member and not was_member) as new_member_count,
        count(*) filter (where was_member and not is_member) as left_member_count,
        count(*) filter (where is_member and is_suspended) as suspended_count,
        count(*) filter (where is_held) as held_count,
        count(*) filter (where was_held) as held_before_count,
        count(*) filter (where was_member and not is_held) as unfilled_count,
        {{ exact_mean("case when was_member then daily_return end", 18) }}
            as member_return,
        {{ exact_mean("case when was_held then overnight_return end", 18) }}
            as overnight_return,
        {{ exact_mean("case when is_held then intraday_return end", 18) }}
            as intraday_return,
    from position
    group by index_code, trade_date
),

-- Equal weights of the close before have drifted by the day's returns; at the close
-- each member is brought to its equal weight again, and what left is sold.
traded as (
    select
        position.index_code,
        position.trade_date,
        {{
            exact_sum(
                "abs("
                ~ "case when position.is_member then 1 / counted.member_count else 0 end"
                ~ " - case when position.was_member then (1 + position.daily_return)"
                ~ " / counted.earning_count / (1 + counted.member_return) else 0 end)",
                18,
            )
        }} as turnover,
    from position
    inner join counted
        on
            position.index_code = counted.index_code
            and position.trade_date = counted.trade_date
    where
        counted.member_count > 0
        and counted.earning_count > 0
    group by position.index_code, position.trade_date
),

measured as (
    select
        index_day.index_code,
        index_day.trade_date,
        coalesce(counted.member_count, 0) as member_count,
        coalesce(counted.new_member_count, 0) as new_member_count,
        coalesce(counted.left_member_count, 0) as left_member_count,
        coalesce(counted.suspended_count, 0) as suspended_count,
        coalesce(counted.held_count, 0) as held_count,
        counted.unfilled_count / nullif(counted.earning_count, 0) as unfillable_share,
        counted.member_return,
        (1 + coalesce(counted.overnight_return, 0))
        * (1 + coalesce(counted.intraday_return, 0)) - 1 as held_return,
        counted.held_count + counted.held_before_count > 0 as is_invested,
        traded.turnover,
        monthly_growth.basis_date,
        monthly_growth.growth / monthly_growth.previous_growth - 1
            as monthly_rebalanced_return,
        coalesce(counted.member_count >= index_day.minimum_members, false)
            as is_large_enough,
        case
            when coalesce(counted.member_count + counted.earning_count, 0) = 0
                then 'no_market_cap'
            when counted.earning_count = 0 then 'first_day'
            when counted.earning_count < index_day.minimum_members
                then 'too_few_members'
            when counted.traded_count = 0 then 'all_suspended'
        end as null_reason,
    from index_day
    left join counted
        on
            index_day.index_code = counted.index_code
            and index_day.trade_date = counted.trade_date
    left join traded
        on
            index_day.index_code = traded.index_code
            and index_day.trade_date = traded.trade_date
    left join monthly_growth
        on
            index_day.index_code = monthly_growth.index_code
            and index_day.trade_date = monthly_growth.trade_date
),

returned as (
    select
        *,
        case when null_reason is null then member_return end as index_return,
        case when null_reason is null and is_invested then held_return end
            as tradable_return,
        case
            when null_reason is null
                then turnover * {{ var("microcap_two_way_cost") }} / 2
        end as cost,
        min(case when is_large_enough then trade_date end) over (
            partition by index_code
        ) as first_date,
        min(basis_date) over (partition by index_code) as first_basis_date,
    from measured
),

-- Levels are sums of logarithms as decimals: a running sum of doubles depends in its
-- last bits on how many rows follow. A day without a return carries the level on.
logged as (
    select
        {% for column in [
            "index_return", "tradable_return", "monthly_rebalanced_return"
        ] -%}
        sum(
            cast(
                ln(greatest(1 + coalesce(returned.{{ column }}, 0), 1e-9))
                as decimal(38, 18)
            )
        ) over (
            partition by returned.index_code
            order by returned.trade_date asc
            rows between unbounded preceding and current row
        ) as log_{{ column }},
        {% endfor -%}
        returned.*,
    from returned
)

select
    index_code,
    trade_date,
    index_return,
    case when trade_date >= first_date then 1000 * exp(log_index_return) end
        as index_level,
    cost,
    (1 + index_return) * (1 - cost) - 1 as net_return,
    tradable_return,
    case when trade_date >= first_date then 1000 * exp(log_tradable_return) end
        as tradable_level,
    unfillable_share,
    monthly_rebalanced_return,
    case
        when trade_date >= first_basis_date
            then 1000 * exp(log_monthly_rebalanced_return)
    end as monthly_rebalanced_level,
    monthly_rebalanced_return - index_return as rebalancing_drag,
    member_count,
    new_member_count,
    left_member_count,
    suspended_count,
    held_count,
    turnover,
    coalesce(
        null_reason, case when not is_invested then 'nothing_held' end
    ) as null_reason,
from logged
