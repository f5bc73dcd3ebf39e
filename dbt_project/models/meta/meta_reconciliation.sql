with figure as (
    select
        figure_id,
        report_date,
        system,
        metric,
        subject,
        subject_code,
        as_of_date,
        date_rule,
        published_value,
        unit,
        list_side,
        is_signal,
        is_level_comparable,
        note,
    from {{ ref("meta_published_figure") }}
),

metric as (
    select
        system,
        metric,
        is_built,
        needs,
    from {{ ref("published_metric") }}
),

exception as (
    select
        figure_id,
        reason,
    from {{ ref("published_exception") }}
),

own_figure as (
    select
        system,
        metric,
        subject_code,
        as_of_date,
        own_value,
        is_signal,
        basis,
        -- Average rank and rank among the subjects of the date, for lists.
        rank() over (
            partition by system, metric, as_of_date
            order by own_value desc
        ) as rank_from_top,
        rank() over (
            partition by system, metric, as_of_date
            order by own_value asc
        ) as rank_from_bottom,
    from {{ ref("meta_own_figure") }}
),

own_metric as (
    select
        system,
        metric,
        min(as_of_date) as first_date,
        max(as_of_date) as last_date,
    from own_figure
    group by system, metric
),

own_subject as (
    select
        system,
        metric,
        subject_code,
    from own_figure
    group by system, metric, subject_code
),

loaded_market as (
    select is_generated,
    from {{ ref("int_loaded_market") }}
),

matched as (
    select
        figure.*,
        own_figure.own_value,
        own_figure.is_signal as is_own_signal,
        own_figure.basis,
        own_figure.rank_from_top,
        own_figure.rank_from_bottom,
        case
            when exception.reason is not null then exception.reason
            when loaded_market.is_generated
                then
                    'the loaded market is generated: its figures say nothing of the'
                    || ' published ones'
            when not metric.is_built
                then 'not built: needs ' || metric.needs
            when figure.subject_code is null
                then 'the printed subject names no single ' || figure.subject
            when own_metric.metric is null
                then 'inputs not loaded: needs ' || metric.needs
            when own_subject.subject_code is null
                then 'inputs not loaded: nothing of ' || figure.subject
            when figure.date_rule <> 'none' and figure.as_of_date is null
                then
                    'no as-of date: the loaded calendar does not hold '
                    || figure.report_date
            when own_figure.own_value is null
                then
                    'date not loaded: ' || figure.as_of_date || ', ours run from '
                    || own_metric.first_date || ' to ' || own_metric.last_date
        end as reason,
    from figure
    cross join loaded_market
    left join metric on figure.system = metric.system and figure.metric = metric.metric
    left join exception on figure.figure_id = exception.figure_id
    left join
        own_metric
        on figure.system = own_metric.system and figure.metric = own_metric.metric
    left join
        own_subject
        on
            figure.system = own_subject.system
            and figure.metric = own_subject.metric
            and figure.subject_code = own_subject.subject_code
    left join
        own_figure
        on
            figure.system = own_figure.system
            and figure.metric = own_figure.metric
            and figure.subject_code = own_figure.subject_code
            and figure.as_of_date is not distinct from own_figure.as_of_date
),

-- The seats of a list are its subjects that are compared: one that is not loaded could
-- not be in ours.
seated as (
    select
        *,
        count(*) filter (where reason is null) over (
            partition by report_date, system, metric, as_of_date, list_side
        ) as seat_count,
    from matched
)

select
    cast(figure_id as varchar) as figure_id,
    cast(report_date as date) as report_date,
    cast(system as varchar) as system,
    cast(metric as varchar) as metric,
    cast(subject as varchar) as subject,
    cast(subject_code as varchar) as subject_code,
    cast(as_of_date as date) as as_of_date,
    cast(published_value as double) as published_value,
    cast(case when reason is null then own_value end as double) as our_value,
    cast(
        case
            when reason is null and is_level_comparable then own_value - published_value
        end
        as double
    ) as difference,
    cast(unit as varchar) as unit,
    cast(case when reason is null then 'compared' else 'not_comparable' end as varchar)
        as status,
    cast(reason as varchar) as reason,
    cast(case when reason is null then basis end as varchar) as basis,
    cast(note as varchar) as note,
    cast(list_side as varchar) as list_side,
    cast(
        case
            when reason is not null or list_side is null then null
            when list_side = 'top' then rank_from_top <= seat_count
            else rank_from_bottom <= seat_count
        end as boolean
    ) as is_in_our_list,
    cast(
        case when reason is null and is_signal then coalesce(is_own_signal, false) end
        as boolean
    ) as is_signal_matched,
from seated
