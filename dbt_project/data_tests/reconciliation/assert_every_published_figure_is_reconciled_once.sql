{{ config(meta={"dagster": {"ref": {"name": "meta_reconciliation"}}}) }}

-- Every figure of the seed has one row and one status. A returned row is a figure that
-- has none, or more than one.
select
    figure.figure_id,
    count(reconciliation.figure_id) as row_count,
from {{ ref("published_figure") }} as figure
left join
    {{ ref("meta_reconciliation") }} as reconciliation
    on figure.figure_id = reconciliation.figure_id
group by figure.figure_id
having count(reconciliation.figure_id) <> 1
