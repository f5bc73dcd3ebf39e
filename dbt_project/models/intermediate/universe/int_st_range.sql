with reported as (
    select
        security_code,
        valid_from,
        least(
            valid_to,
            lead(valid_from) over (partition by security_code order by valid_from)
        ) as valid_to,
        status <> 'delisting' as is_st,
        status = 'delisting' as is_delisting_period,
    from {{ ref("stg_st_status") }}
),

-- Before the first report of all, absence from the reports says nothing.
report_start as (
    select min(valid_from) as reported_from,
    from reported
),

narrow_rule as (
    select
        st_rule.board,
        greatest(st_rule.valid_from, rule.valid_from) as valid_from,
        least(
            coalesce(st_rule.valid_to, date '9999-12-31'),
            coalesce(rule.valid_to, date '9999-12-31')
        ) as valid_to,
        st_rule.limit_percent,
    from {{ ref("price_limit_rule") }} as st_rule
    inner join {{ ref("price_limit_rule") }} as rule
        on
            st_rule.board = rule.board
            and st_rule.limit_percent < rule.limit_percent
    where
        st_rule.is_st
        and not rule.is_st
),

traded as (
    select
        security_day.security_code,
        security_day.trade_date,
        security_day.traded_days,
        narrow_rule.limit_percent,
        {{ ticks("security_day.reference_close_cny") }} as reference_ticks,
        {{ ticks("security_day.high_cny") }} as high_ticks,
        {{ ticks("security_day.low_cny") }} as low_ticks,
        {{ ticks("security_day.close_cny") }} as close_ticks,
    from {{ ref("int_security_day") }} as security_day
    inner join narrow_rule
        on
            security_day.board = narrow_rule.board
            and security_day.trade_date >= narrow_rule.valid_from
            and security_day.trade_date < narrow_rule.valid_to
    where not security_day.is_suspended
),

limited as (
    select
        security_code,
        trade_date,
        traded_days,
        limit_percent,
        reference_ticks,
        high_ticks,
        low_ticks,
        close_ticks,
        {{ limit_ticks("reference_ticks", "limit_percent", "up") }} as up_ticks,
        {{ limit_ticks("reference_ticks", "limit_percent", "down") }} as down_ticks,
    from traded
),

judged as (
    select
        security_code,
        trade_date,
        traded_days,
        -- A day without a reference proves nothing and begins the count anew. A price
        -- beyond the limit proves as much as a return; a tick is left to references
        -- that are derived.
        coalesce(
            100 * abs(close_ticks - reference_ticks)
            > limit_percent * reference_ticks + 100
            or high_ticks > up_ticks + 1
            or low_ticks < down_ticks - 1,
            true
        ) as is_beyond,
        -- The close, not the high or low, which meet the price by chance too often: of
        -- the shares so found in 2024-06 a quarter were not ST; by closes, one in 20.
        close_ticks in (up_ticks, down_ticks) as is_touch,
    from limited
),

-- The few days that matter: those that touch the ST limit, and those beyond it, which
-- end a run of days within it.
eventful as (
    select
        security_code,
        trade_date,
        traded_days,
        is_beyond,
        max(case when is_beyond then traded_days end) over so_far as run_start,
        min(case when is_beyond then trade_date end) over later as run_end_date,
    from judged
    where
        is_beyond
        or is_touch
    window
        so_far as (
            partition by security_code
            order by traded_days
            rows between unbounded preceding and current row
        ),
        later as (
            partition by security_code
            order by traded_days
            rows between 1 following and unbounded following
        )
),

touch_pair as (
    select
        security_code,
        run_start,
        run_end_date,
        traded_days,
        lag(traded_days) over (
            partition by security_code, run_start
            order by traded_days
        ) as previous_touch,
    from eventful
    where not is_beyond
),

-- Before the first day beyond the limit a run goes back to the first day of all.
first_traded as (
    select
        security_code,
        min(traded_days) as traded_days,
    from traded
    group by security_code
),

{% set window_days = var("st_window_days") -%}
-- First traded day of the run whose trailing window lies within the run and holds both
-- touches.
recognised as (
    select
        touch_pair.security_code,
        touch_pair.run_end_date,
        min(
            greatest(
                touch_pair.traded_days,
                coalesce(touch_pair.run_start, first_traded.traded_days - 1)
                + {{ window_days }}
            )
        ) as traded_days,
    from touch_pair
    inner join first_traded on touch_pair.security_code = first_traded.security_code
    where touch_pair.traded_days - touch_pair.previous_touch < {{ window_days }}
    group by
        touch_pair.security_code,
        touch_pair.run_start,
        touch_pair.run_end_date
),

-- The close of the day beyond ends the status: on the day itself it still held.

inferred as (
    select
        recognised.security_code,
        trading_day.next_trade_date as valid_from,
        least(
            coalesce(end_day.next_trade_date, recognised.run_end_date + 1),
            report_start.reported_from
        ) as valid_to,
    from recognised
    inner join traded
        on
            recognised.security_code = traded.security_code
            and recognised.traded_days = traded.traded_days
    inner join {{ ref("int_trading_day") }} as trading_day
        on traded.trade_date = trading_day.trade_date
    left join {{ ref("int_trading_day") }} as end_day
        on recognised.run_end_date = end_day.trade_date
    cross join report_start
)

select
    security_code,
    valid_from,
    valid_to,
    is_st,
    is_delisting_period,
    'reported' as st_source,
from reported
where
    valid_to is null
    or valid_to > valid_from
union all
select
    security_code,
    valid_from,
    valid_to,
    true as is_st,
    false as is_delisting_period,
    'inferred' as st_source,
from inferred
where
    valid_to is null
    or valid_to > valid_from
