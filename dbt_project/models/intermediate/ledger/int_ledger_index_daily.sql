{%- set member_sets = {
    "none": "all",
    "limits": "all",
    "suspension": "all",
    "next_open": "all",
    "st": "st",
    "delisting": "delisting",
} -%}
{#- From close to close there is no part by day. -#}
{%- set part_returns = {} -%}
{%- for rule_off in member_sets -%}
    {%- do part_returns.update({
        rule_off: {"night": "daily_return"} if rule_off == "next_open"
        else {"night": "overnight_return", "day": "intraday_return"}
    }) -%}
{%- endfor %}

-- Daily returns of the micro-cap index with each rule switched off: every rule has its
-- own members and its own days on which they can be traded. A share is bought at the
-- first moment at which it can be after it becomes a member, and sold at the first
-- after it is none; all that is held has the same weight. The moment is the open after
-- the close that names the members; without that rule, the close itself. Runs of days
-- are followed, not days: there are far fewer.
with trading_day as (
    select
        trade_date,
        day_index,
    from {{ ref("int_trading_day") }}
    where is_loaded
),

horizon as (
    select max(day_index) as last_index,
    from trading_day
),

ruled_members (rule_off, member_set) as (
    values
    {%- for rule_off, member_set in member_sets.items() %}
    ('{{ rule_off }}', '{{ member_set }}'){{ "," if not loop.last }}
    {%- endfor %}
),

rule as (
    select
        rule_off,
        member_set,
        rule_off <> 'limits' as with_limits,
        rule_off <> 'suspension' as with_suspension,
        case when rule_off = 'next_open' then 'signal_close' else 'next_open' end
            as execution,
        case when rule_off = 'next_open' then 0 else 1 end as days_later,
    from ruled_members
),

member as (
    select
        'all' as member_set,
        day_index,
        security_code,
    from {{ ref("int_microcap_member") }}
    where index_code = '{{ var("ledger_index") }}'
    union all
    select
        'st' as member_set,
        day_index,
        security_code,
    from {{ ref("int_ledger_member") }}
    union all
    select
        'delisting' as member_set,
        day_index,
        security_code,
    from {{ ref("int_hindsight_member") }}
),

-- Within a run of membership the day's number and the count of days rise alike.
numbered as (
    select
        member_set,
        security_code,
        day_index,
        day_index - row_number() over (
            partition by member_set, security_code
            order by day_index
        ) as run_number,
    from member
),

member_run as (
    select
        member_set,
        security_code,
        min(day_index) as first_index,
        max(day_index) as last_index,
    from numbered
    group by member_set, security_code, run_number
),

block as (
    select
        stock_block.security_code,
        trading_day.day_index,
        stock_block.is_suspended,
        stock_block.is_gone,
        stock_block.opens_at_limit_up,
        stock_block.closes_at_limit_up,
        stock_block.open_exit_index,
        stock_block.close_exit_index,
        stock_block.suspension_exit_index,
        stock_block.open_limit_exit_index,
        stock_block.close_limit_exit_index,
    from {{ ref("int_stock_block") }} as stock_block
    inner join trading_day on stock_block.trade_date = trading_day.trade_date
),

-- Moments at which a share is wanted, from the first one up to, without, the last.
wanted as (
    select
        rule.rule_off,
        rule.execution,
        rule.with_limits,
        rule.with_suspension,
        member_run.security_code,
        member_run.first_index + rule.days_later as first_moment,
        member_run.last_index + rule.days_later + 1 as end_moment,
        lead(member_run.first_index + rule.days_later) over (
            partition by rule.rule_off, member_run.security_code
            order by member_run.first_index
        ) as next_moment,
    from member_run
    inner join rule on member_run.member_set = rule.member_set
),

-- The first moment at which it can be bought, and at which it can be sold.
traded as (
    select
        wanted.rule_off,
        wanted.security_code,
        wanted.first_moment,
        wanted.end_moment,
        wanted.next_moment,
        wanted.execution,
        wanted.with_limits,
        wanted.with_suspension,
        coalesce({{ is_unbuyable("wanted", "first_block") }}, false)
            as is_unbuyable_at_first,
        coalesce({{ exit_index("wanted", "end_block") }}, wanted.end_moment)
            as sale_moment,
    from wanted
    left join
        block as first_block
        on
            wanted.security_code = first_block.security_code
            and wanted.first_moment = first_block.day_index
    left join
        block as end_block
        on
            wanted.security_code = end_block.security_code
            and wanted.end_moment = end_block.day_index
),

tried as (
    select
        rule_off,
        security_code,
        first_moment,
        execution,
        with_limits,
        with_suspension,
        unnest(range(first_moment + 1, end_moment)) as moment,
    from traded
    where is_unbuyable_at_first
),

bought_late as (
    select
        tried.rule_off,
        tried.security_code,
        tried.first_moment,
        min(tried.moment) as buy_moment,
    from tried
    left join
        block
        on
            tried.security_code = block.security_code
            and tried.moment = block.day_index
    where not coalesce({{ is_unbuyable("tried", "block") }}, false)
    group by tried.rule_off, tried.security_code, tried.first_moment
),

-- What cannot be sold before it is wanted again is held on, from run to run.
linked as (
    select
        traded.rule_off,
        traded.security_code,
        traded.first_moment,
        case
            when traded.is_unbuyable_at_first then bought_late.buy_moment
            else traded.first_moment
        end as buy_moment,
        least(traded.sale_moment, traded.next_moment) as end_of_holding,
        coalesce(
            lag(traded.sale_moment < traded.next_moment) over by_share, true
        ) as is_new,
    from traded
    left join
        bought_late
        on
            traded.rule_off = bought_late.rule_off
            and traded.security_code = bought_late.security_code
            and traded.first_moment = bought_late.first_moment
    window by_share as (
        partition by traded.rule_off, traded.security_code
        order by traded.first_moment
    )
),

chained as (
    select
        *,
        count(*) filter (where is_new) over (
            partition by rule_off, security_code
            order by first_moment
            rows between unbounded preceding and current row
        ) as chain_number,
    from linked
),

holding as (
    select
        chained.rule_off,
        chained.security_code,
        min(chained.buy_moment) as first_index,
        -- The day after the last close at which it is held.
        least(max(chained.end_of_holding), any_value(horizon.last_index) + 1)
            as end_index,
    from chained
    cross join horizon
    group by chained.rule_off, chained.security_code, chained.chain_number
),

holding_day as (
    select
        rule_off,
        security_code,
        first_index,
        end_index,
        unnest(range(first_index, end_index + 1)) as day_index,
    from holding
    where first_index < end_index
),

-- What is bought at a moment of today is held by day, and over the night to tomorrow.
holding_part as (
    select
        rule_off,
        security_code,
        day_index,
        day_index > first_index as is_night,
        day_index < end_index as is_day,
    from holding_day
),

share_day as (
    select
        security_code,
        day_index,
        {%- for rule_off in member_sets %}
        bool_or(is_night and rule_off = '{{ rule_off }}') as is_{{ rule_off }}_night,
        bool_or(is_day and rule_off = '{{ rule_off }}') as is_{{ rule_off }}_day,
        {%- endfor %}
    from holding_part
    group by security_code, day_index
),

security_day as (
    select
        security_code,
        day_index,
        daily_return,
        overnight_return,
        intraday_return,
    from {{ ref("int_security_day") }}
),

-- A share that left the exchange has no row any more and earns nothing.
averaged as (
    select
        share_day.day_index,
        {%- for rule_off, parts in part_returns.items() %}
        {%- for part, part_return in parts.items() %}
        {{
            exact_mean(
                "case when share_day.is_" ~ rule_off ~ "_" ~ part
                ~ " then coalesce(security_day." ~ part_return ~ ", 0) end",
                18,
            )
        }} as {{ rule_off }}_{{ part }}_return,
        {%- endfor %}
        {%- endfor %}
    from share_day
    left join
        security_day
        on
            share_day.security_code = security_day.security_code
            and share_day.day_index = security_day.day_index
    group by share_day.day_index
),

ruled as (
    {%- for rule_off, parts in part_returns.items() %}
    {{ "union all" if not loop.first }}
    select
        '{{ rule_off }}' as rule_off,
        day_index,
        {{ rule_off }}_night_return as night_return,
        {{ rule_off ~ "_day_return" if "day" in parts else "cast(null as double)" }}
            as day_return,
    from averaged
    where coalesce(night_return, day_return) is not null
    {%- endfor %}
)

select
    '{{ var("ledger_index") }}' as index_code,
    ruled.rule_off,
    trading_day.trade_date,
    (1 + coalesce(ruled.night_return, 0))
    * (1 + coalesce(ruled.day_return, 0)) - 1 as gross_return,
from ruled
inner join trading_day on ruled.day_index = trading_day.day_index
