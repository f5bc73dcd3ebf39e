-- The generated market names its stocks 样本0001 and on. Its days are real days, so its
-- figures must be told from the market's.
with security as (
    select name,
    from {{ ref("stg_security") }}
)

select coalesce(bool_or(regexp_matches(name, '^样本\d+')), false) as is_generated,
from security
