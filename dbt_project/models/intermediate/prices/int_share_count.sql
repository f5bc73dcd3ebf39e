with share_capital as (
    select
        security_code,
        valid_from,
        total_shares,
        float_shares,
    from {{ ref("stg_share_capital") }}
),

quarter_cap as (
    select
        security_code,
        period_end,
        known_date,
        market_cap_cny,
    from {{ ref("stg_fundamental") }}
    where market_cap_cny > 0
),

quarter as (
    select period_end,
    from quarter_cap
    group by period_end
),

-- The few days whose closes can belong to a quarter's end: far fewer than all bars.
quarter_day as (
    select
        quarter.period_end,
        trading_day.trade_date,
    from quarter
    inner join {{ ref("int_trading_day") }} as trading_day
        on
            quarter.period_end >= trading_day.trade_date
            and quarter.period_end - {{ var("share_price_age_days") }}
            < trading_day.trade_date
),

quarter_close as (
    select
        bar.security_code,
        quarter_day.period_end,
        arg_max(bar.close_cny, bar.trade_date) as close_cny,
    from {{ ref("stg_daily_bar") }} as bar
    inner join quarter_day on bar.trade_date = quarter_day.trade_date
    group by bar.security_code, quarter_day.period_end
),

-- The newest quarter known counts: an old one that is stated again later does not.
derived as (
    select
        quarter_cap.security_code,
        quarter_cap.known_date as valid_from,
        quarter_cap.market_cap_cny / quarter_close.close_cny as total_shares,
    from quarter_cap
    inner join quarter_close
        on
            quarter_cap.security_code = quarter_close.security_code
            and quarter_cap.period_end = quarter_close.period_end
    qualify
        quarter_cap.period_end > coalesce(
            max(quarter_cap.period_end) over (
                partition by quarter_cap.security_code
                order by quarter_cap.known_date asc, quarter_cap.period_end desc
                rows between unbounded preceding and 1 preceding
            ),
            date '0001-01-01'
        )
),

changed as (
    select
        coalesce(share_capital.security_code, derived.security_code) as security_code,
        coalesce(share_capital.valid_from, derived.valid_from) as valid_from,
        share_capital.total_shares as reported_total_shares,
        share_capital.float_shares as reported_float_shares,
        derived.total_shares as derived_total_shares,
    from share_capital
    full outer join derived
        on
            share_capital.security_code = derived.security_code
            and share_capital.valid_from = derived.valid_from
)

-- Once a count is reported, derived ones no longer replace it.
select
    security_code,
    valid_from,
    coalesce(
        last_value(reported_total_shares ignore nulls) over so_far,
        last_value(derived_total_shares ignore nulls) over so_far
    ) as total_shares,
    last_value(reported_float_shares ignore nulls) over so_far as float_shares,
from changed
window so_far as (
    partition by security_code
    order by valid_from
    rows between unbounded preceding and current row
)
