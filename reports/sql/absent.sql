with absent as (
    select
        'strategy' as kind,
        s.strategy_code as code,
        s.name_cn,
        s.name_en,
        s.unavailable_reason,
    from core.dim_strategy as s
    where not s.is_available
    union all
    select
        'factor' as kind,
        f.factor_code as code,
        f.name_cn,
        f.name_en,
        f.unavailable_reason,
    from core.dim_factor as f
    where not f.is_available
    union all
    select
        'universe' as kind,
        u.universe as code,
        u.universe as name_cn,
        u.universe as name_en,
        u.unavailable_reason,
    from factors.dim_factor_universe as u
    where not u.is_available
)

select
    a.kind,
    a.name_cn,
    a.name_en,
    a.unavailable_reason,
from absent as a
order by a.kind, a.code
