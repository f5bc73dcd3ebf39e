-- question: How is each factor defined, and in which unit?
-- column: factor_code (text): Factor.
-- column: factor_group (text): What kind of factor it is.
-- column: name_cn (text): Its Chinese name.
-- column: name_en (text): Its English name.
-- column: definition (text): What is measured.
-- column: formula (text): The same as a formula.
-- column: unit (text): Unit of the value.
-- column: source (text): Where the definition comes from.
-- rows: some
select
    f.factor_code,
    f.factor_group,
    f.name_cn,
    f.name_en,
    f.definition,
    f.formula,
    f.unit,
    f.source,
from core.dim_factor as f
order by f.factor_group, f.factor_code
