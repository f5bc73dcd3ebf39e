-- question: Which models have no scores, and why?
-- column: model_code (text): Model.
-- column: name_cn (text): Its Chinese name.
-- column: unavailable_reason (text): What is missing.
-- column: inputs (text): What it needs.
-- rows: any
select
    m.model_code,
    m.name_cn,
    m.unavailable_reason,
    m.inputs,
from core.dim_model as m
where not m.is_available
order by m.model_code
