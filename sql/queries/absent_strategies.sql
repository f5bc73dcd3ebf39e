-- question: Which strategies are computed, and why are the others absent?
-- column: strategy_code (text): Strategy.
-- column: name_cn (text): Its Chinese name.
-- column: is_available (boolean): Whether it is computed.
-- column: unavailable_reason (text): Why not.
-- column: definition (text): What it does.
-- column: inputs (text): What it needs.
-- rows: some
select
    s.strategy_code,
    s.name_cn,
    s.is_available,
    s.unavailable_reason,
    s.definition,
    s.inputs,
from core.dim_strategy as s
order by s.is_available, s.strategy_code
