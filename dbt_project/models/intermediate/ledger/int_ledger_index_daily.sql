-- Daily returns of the micro-cap index with each rule switched off, in one scan: every
-- rule has its own members and its own days on which they can be traded. A share is
-- bought at the first moment at which it can be after it becomes a member, and sold at
-- the first after it is none; all that is held has the same weight. The moment is the
-- open after the close that names the members; without that rule, the close itself.
with trading_day as (
    select
        trade_date,
        day_index,
    from {{ ref("int_trading_day") }}
    where is_loaded
),

ruled_members (rule_off, member_set) as (
    values
    ('none', 'all'),
    ('limits', 'all'),
    ('suspension', 'all'),
    ('next_open', 'all'),
    ('st', 'st'),
    ('delisting', 'delisting')
),

rule as (
    select
        rule_off,
        member_set,
        rule_off <> 'limits' as with_limits,
        rule_off <> 'suspension' as with_suspension,
        case when rule_off = 'next_open' then 'signal_close' else 'next_open' end
            as execution,
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

-- moment_index is the day of the moment: of an open, the day after the members' close.
wanted as (
    select
        rule.rule_off,
        rule.execution,
        rule.with_limits,
        rule.with_suspension,
        member.security_code,
        member.day_index
        + case when rule.execution = 'next_open' then 1 else 0 end as moment_index,
    from member
    inner join rule on member.member_set = rule.member_set
),

-- The first day after a run of membership, and the day of the sale if that is later.
run_end as (
    select
        rule_off,
        execution,
        with_limits,
        with_suspension,
        security_code,
        moment_index + 1 as end_index,
        lead(moment_index) over (
            partition by rule_off, security_code
            order by moment_index
        ) as next_index,
    from wanted
    qualify next_index is distinct from end_index
),

horizon as (
    select max(day_index) as last_index,
    from trading_day
),

sale as (
    select
        run_end.rule_off,
        run_end.security_code,
        run_end.end_index,
        run_end.next_index,
        coalesce(
            {{ exit_index("run_end", "block") }},
            run_end.end_index
        ) as sale_index,
    from run_end
    left join
        block
        on
            run_end.security_code = block.security_code
            and run_end.end_index = block.day_index
),

-- What cannot be sold is held on until it can be or is wanted again.
event as (
    select
        wanted.rule_off,
        wanted.security_code,
        wanted.moment_index,
        -- Bought, or nothing done: NULL leaves things as they are.
        case
            when
                coalesce(block.is_gone, false)
                or (
                    wanted.with_suspension and coalesce(block.is_suspended, false)
                )
                or (
                    wanted.with_limits
                    and case wanted.execution
                        when 'next_open' then coalesce(block.opens_at_limit_up, false)
                        else coalesce(block.closes_at_limit_up, false)
                    end
                )
                then null
            else true
        end as decision,
    from wanted
    left join
        block
        on
            wanted.security_code = block.security_code
            and wanted.moment_index = block.day_index
    union all
    select
        sale.rule_off,
        sale.security_code,
        unnest(
            range(
                sale.end_index,
                least(sale.sale_index, sale.next_index, horizon.last_index + 1)
            )
        ) as moment_index,
        cast(null as boolean) as decision,
    from sale
    cross join horizon
    union all
    select
        rule_off,
        security_code,
        sale_index as moment_index,
        false as decision,
    from sale
    where next_index is null or sale_index < next_index
),

-- The state after a moment is the last decision.
state as (
    select
        rule_off,
        security_code,
        moment_index,
        coalesce(
            last_value(decision ignore nulls) over (
                partition by rule_off, security_code
                order by moment_index
                rows between unbounded preceding and current row
            ),
            false
        ) as is_held,
    from event
),

held as (
    select
        rule_off,
        security_code,
        moment_index,
    from state
    where is_held
),

-- A share that left the exchange has no row any more and earns nothing.
security_day as (
    select
        security_code,
        day_index,
        daily_return,
        overnight_return,
        intraday_return,
    from {{ ref("int_security_day") }}
),

-- Held over a night and a day, each with its own basket.
share_day as (
    select
        held.rule_off,
        held.moment_index as day_index,
        'day' as part,
        coalesce(security_day.intraday_return, 0) as part_return,
    from held
    left join
        security_day
        on
            held.security_code = security_day.security_code
            and held.moment_index = security_day.day_index
    where held.rule_off <> 'next_open'
    union all
    select
        held.rule_off,
        held.moment_index + 1 as day_index,
        'night' as part,
        case
            when held.rule_off = 'next_open' then coalesce(security_day.daily_return, 0)
            else coalesce(security_day.overnight_return, 0)
        end as part_return,
    from held
    left join
        security_day
        on
            held.security_code = security_day.security_code
            and held.moment_index + 1 = security_day.day_index
),

averaged as (
    select
        rule_off,
        day_index,
        {{ exact_mean("case when part = 'night' then part_return end", 18) }}
            as night_return,
        {{ exact_mean("case when part = 'day' then part_return end", 18) }}
            as day_return,
    from share_day
    group by rule_off, day_index
)

select
    '{{ var("ledger_index") }}' as index_code,
    averaged.rule_off,
    trading_day.trade_date,
    (1 + coalesce(averaged.night_return, 0))
    * (1 + coalesce(averaged.day_return, 0)) - 1 as gross_return,
from averaged
inner join trading_day on averaged.day_index = trading_day.day_index
