{{ config(meta={"dagster": {"ref": {"name": "meta_reconciliation"}}}) }}

-- What meta_own_figure computes is declared as built, and there is one value a day. A
-- returned row is a metric that is computed undeclared, or a value that is not single.
select
    own_figure.system,
    own_figure.metric,
    own_figure.subject_code,
    own_figure.as_of_date,
    count(*) as value_count,
from {{ ref("meta_own_figure") }} as own_figure
left join
    {{ ref("published_metric") }} as metric
    on own_figure.system = metric.system and own_figure.metric = metric.metric
where not coalesce(metric.is_built, false)
group by
    own_figure.system,
    own_figure.metric,
    own_figure.subject_code,
    own_figure.as_of_date
union all
select
    system,
    metric,
    subject_code,
    as_of_date,
    count(*) as value_count,
from {{ ref("meta_own_figure") }}
group by system, metric, subject_code, as_of_date
having count(*) > 1
