with fusion as (
    select m.inputs,
    from core.dim_model as m
    where
        m.model_group = 'fusion'
        and not m.is_available
        and regexp_matches(m.model_code, $models)
)

select
    m.name_cn,
    m.name_en,
    m.unavailable_reason,
from core.dim_model as m
where
    not m.is_available
    and (
        regexp_matches(m.model_code, $models)
        -- A fusion lacks what its parts lack.
        or exists (
            select 1,
            from fusion as f
            where list_contains(string_split(f.inputs, '|'), m.model_code)
        )
    )
order by m.model_group, m.model_code
