-- The last day of every complete exchange week and month.
with signal_day as (
    select
        trade_date,
        trade_week,
        is_week_end and is_week_complete as is_week_end,
        is_month_end and is_month_complete as is_month_end,
    from {{ ref("int_trading_day") }}
    where
        is_loaded
        and ((is_week_end and is_week_complete) or (is_month_end and is_month_complete))
)

select
    report_score.encoder_code,
    signal_day.trade_date,
    signal_day.is_week_end,
    signal_day.is_month_end,
    report_score.security_code,
    {{ exact_mean("report_score.score", 12) }} as text_score,
    count(*) as report_count,
    min(report_score.known_date) as first_report_date,
    -- One encoder of which nobody has said what it has read leaves all unknown.
    case
        when count(report_score.corpus_cutoff_date) = count(*)
            then max(report_score.corpus_cutoff_date)
    end as corpus_cutoff_date,
from signal_day
inner join {{ ref("int_text_score") }} as report_score
    on
        signal_day.trade_date >= report_score.known_date
        and report_score.known_date
        > signal_day.trade_date - interval {{ var("text_factor_months") }} month
group by
    report_score.encoder_code,
    signal_day.trade_date,
    signal_day.is_week_end,
    signal_day.is_month_end,
    report_score.security_code
