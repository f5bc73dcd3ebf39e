-- question: Which universes are factors tested in, and which are absent and why?
-- column: universe (text): Universe.
-- column: is_available (boolean): Whether it has a week with a return.
-- column: unavailable_reason (text): Why not.
-- column: first_week (date): First week.
-- column: last_week (date): Last week.
-- column: week_count (integer): Weeks.
-- column: missing_week_count (integer): Weeks of the market without it.
-- column: lowest_stock_count (integer): Fewest stocks of a week.
-- column: highest_stock_count (integer): Most stocks of a week.
-- rows: some
select
    u.universe,
    u.is_available,
    u.unavailable_reason,
    u.first_week,
    u.last_week,
    u.week_count,
    u.missing_week_count,
    u.lowest_stock_count,
    u.highest_stock_count,
from factors.dim_factor_universe as u
order by u.universe
