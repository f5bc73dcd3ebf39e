-- question: Which factors are absent, and why?
-- column: factor_code (text): Factor.
-- column: name_cn (text): Its Chinese name.
-- column: unavailable_reason (text): What is not loaded.
-- column: inputs (text): What it needs.
-- rows: any
select
    f.factor_code,
    f.name_cn,
    f.unavailable_reason,
    f.inputs,
from core.dim_factor as f
where not f.is_available
order by f.factor_code
