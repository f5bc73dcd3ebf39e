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
),

-- As a report stands now: a later correction takes it out or moves it to a later day.
-- It moves none to an earlier day: the score's training may have known what came after.
report_score as (
    select
        text_score.encoder_code,
        report.security_code,
        greatest(report.known_date, text_score.known_date) as known_date,
        {{ text_log_odds("text_score.up_probability") }}
        - {{ text_log_odds("text_score.down_probability") }} as score,
        text_score.corpus_cutoff_date,
    from {{ ref("stg_text_score") }} as text_score
    inner join {{ ref("int_report") }} as report
        on
            text_score.report_id = report.report_id
            and report.excluded_reason is null
)

select
    report_score.encoder_code,
    signal_day.trade_date,
    signal_day.is_week_end,
    signal_day.is_month_end,
    report_score.security_code,
    {{ exact_mean("report_score.score", 12) }} as text_score,
    count(*) as report_count,
    -- One encoder of which nobody has said what it has read leaves all unknown.
    case
        when count(report_score.corpus_cutoff_date) = count(*)
            then max(report_score.corpus_cutoff_date)
    end as corpus_cutoff_date,
from signal_day
inner join report_score
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
