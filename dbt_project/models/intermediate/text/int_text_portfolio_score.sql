-- Stocks that count in factor tests at the last complete week and trade on the day.
with universe as (
    select
        trade_week,
        security_code,
    from {{ ref("int_factor_universe_weekly") }}
    where is_in_all
),

month_end as (
    select
        day.trade_date,
        (
            select max(week.trade_week),
            from {{ ref("int_trading_day") }} as week
            where
                week.is_week_end
                and week.is_week_complete
                and week.trade_date <= day.trade_date
        ) as factor_week,
    from {{ ref("int_trading_day") }} as day
    where
        day.is_month_end
        and day.is_month_complete
),

eligible as (
    select
        text_factor.encoder_code,
        text_factor.trade_date,
        month_end.factor_week,
        text_factor.security_code,
        text_factor.text_score,
        text_factor.report_count,
        text_factor.first_report_date,
        text_factor.corpus_cutoff_date,
    from {{ ref("int_text_factor") }} as text_factor
    inner join month_end on text_factor.trade_date = month_end.trade_date
    inner join universe
        on
            month_end.factor_week = universe.trade_week
            and text_factor.security_code = universe.security_code
    inner join {{ ref("int_security_day") }} as security_day
        on
            text_factor.trade_date = security_day.trade_date
            and text_factor.security_code = security_day.security_code
            and not security_day.is_suspended
),

ranked as (
    select
        *,
        row_number() over (
            partition by encoder_code, trade_date
            order by text_score desc, security_code asc
        ) as text_rank,
        count(*) over (partition by encoder_code, trade_date) as stock_count,
    from eligible
)

-- The base pool is the first decile, of a small market as many as are held.
select
    ranked.encoder_code,
    ranked.trade_date,
    ranked.factor_week,
    ranked.security_code,
    ranked.text_score,
    ranked.report_count,
    ranked.first_report_date,
    ranked.corpus_cutoff_date,
    ranked.text_rank,
    ranked.stock_count,
    ranked.text_rank
    <= greatest(
        (ranked.stock_count + 9) // 10, {{ var("text_pool_minimum_stocks") }}
    ) as is_in_base_pool,
    composite.composite_score,
    composite.component_count,
from ranked
left join {{ ref("int_text_composite_weekly") }} as composite
    on
        ranked.factor_week = composite.trade_week
        and ranked.security_code = composite.security_code
