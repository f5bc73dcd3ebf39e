with figure as (
    select
        figure_id,
        report_date,
        publisher,
        report_type,
        system,
        metric,
        subject,
        value as printed_value,
        unit as printed_unit,
        as_of_date as stated_date,
        source,
    from {{ ref("published_figure") }}
),

metric as (
    select
        system,
        metric,
        subject_kind,
        date_rule,
        is_list,
        is_signal,
        note,
    from {{ ref("published_metric") }}
),

subject as (
    select
        subject_kind,
        subject,
        subject_code,
    from {{ ref("published_subject") }}
),

trading_day as (
    select
        trade_date,
        trade_week,
        trade_month_end,
    from {{ ref("int_trading_day") }}
),

calendar as (
    select
        min(trade_date) as first_date,
        max(trade_date) as last_date,
    from trading_day
),

report_date as (
    select report_date,
    from figure
    group by report_date
),

-- A report speaks of the last exchange week that had ended by its date, and where it
-- names a month, of the last month that had. A calendar that does not hold the date
-- knows neither.
dated_report as (
    select
        report_date.report_date,
        max(trading_day.trade_week) filter (
            where trading_day.trade_week <= report_date.report_date
        ) as last_week,
        max(trading_day.trade_month_end) filter (
            where trading_day.trade_month_end <= report_date.report_date
        ) as last_month_end,
    from report_date
    inner join
        calendar
        on report_date.report_date between calendar.first_date and calendar.last_date
    inner join trading_day on report_date.report_date >= trading_day.trade_date
    group by report_date.report_date
),

described as (
    select
        figure.*,
        metric.subject_kind,
        metric.date_rule,
        metric.is_list,
        metric.is_signal,
        metric.note,
        subject.subject_code,
        case metric.date_rule
            when 'year' then make_date(cast(right(figure.metric, 4) as integer), 12, 31)
            when 'month' then dated_report.last_month_end
            when 'week' then coalesce(figure.stated_date, dated_report.last_week)
        end as as_of_date,
        case figure.printed_unit
            when 'pct' then figure.printed_value / 100
            when 'cny_100m' then figure.printed_value * 1e8
            else figure.printed_value
        end as published_value,
        case figure.printed_unit
            when 'pct' then 'decimal'
            when 'cny_100m' then 'CNY'
            else figure.printed_unit
        end as unit,
        -- Scores of two networks have no common scale: ranks compare, levels do not.
        figure.printed_unit <> 'score' as is_level_comparable,
    from figure
    left join metric on figure.system = metric.system and figure.metric = metric.metric
    left join
        subject
        on
            metric.subject_kind = subject.subject_kind
            and figure.subject = subject.subject
    left join dated_report on figure.report_date = dated_report.report_date
),

-- A printed list runs from the best down, then from the worst up: the worst begins at
-- the smallest value, unless that is only the end of the best. One loser after gainers
-- is a list of its own.
placed as (
    select
        *,
        row_number() over (
            partition by report_date, system, metric, as_of_date
            order by figure_id asc
        ) as list_position,
        count(*) over (
            partition by report_date, system, metric, as_of_date
        ) as list_length,
        min(published_value) over (
            partition by report_date, system, metric, as_of_date
        ) as smallest_value,
        max(published_value) over (
            partition by report_date, system, metric, as_of_date
        ) as largest_value,
    from described
),

turned as (
    select
        *,
        min(list_position) filter (where published_value = smallest_value) over (
            partition by report_date, system, metric, as_of_date
        ) as first_smallest_position,
        max(list_position) filter (where published_value = smallest_value) over (
            partition by report_date, system, metric, as_of_date
        ) as last_smallest_position,
    from placed
),

sided as (
    select
        *,
        case
            when not is_list then null
            when list_position < first_smallest_position then 'top'
            when last_smallest_position < list_length then 'bottom'
            when is_level_comparable and smallest_value < 0 and largest_value > 0
                then 'bottom'
            else 'top'
        end as list_side,
    from turned
)

select
    cast(figure_id as varchar) as figure_id,
    cast(report_date as date) as report_date,
    cast(publisher as varchar) as publisher,
    cast(report_type as varchar) as report_type,
    cast(system as varchar) as system,
    cast(metric as varchar) as metric,
    cast(subject_kind as varchar) as subject_kind,
    cast(subject as varchar) as subject,
    cast(subject_code as varchar) as subject_code,
    cast(as_of_date as date) as as_of_date,
    cast(stated_date as date) as stated_date,
    cast(date_rule as varchar) as date_rule,
    cast(published_value as double) as published_value,
    cast(unit as varchar) as unit,
    cast(printed_value as double) as printed_value,
    cast(printed_unit as varchar) as printed_unit,
    cast(list_side as varchar) as list_side,
    cast(is_signal as boolean) as is_signal,
    cast(is_level_comparable as boolean) as is_level_comparable,
    cast(note as varchar) as note,
    cast(source as varchar) as source,
from sided
