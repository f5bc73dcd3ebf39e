{{ config(materialized="view", tags=["model_input"]) }}

-- Mark-up, entities, control and invisible characters go: models and rules see words.
select
    report_id,
    {{ clean_text("title") }} as title,
    {{ clean_text("coalesce(abstract, '')") }} as abstract,
from {{ ref("stg_analyst_report") }}
