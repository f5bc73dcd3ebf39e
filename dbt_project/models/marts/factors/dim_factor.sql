{{ config(schema="core") }}

with factor as (
    select
        factor_code,
        factor_group,
        name_cn,
        name_en,
        definition,
        formula,
        unit,
        sign,
        inputs,
        source,
    from {{ ref("factor") }}
),

-- Of the columns that stand for each other, one must be loaded.
needed as (
    select
        factor_code,
        unnest(string_split(inputs, '|')) as alternatives,
    from factor
),

alternative as (
    select
        factor_code,
        alternatives,
        unnest(string_split(alternatives, '/')) as input_name,
    from needed
),

missing as (
    select
        alternative.factor_code,
        replace(alternative.alternatives, '/', ' or ') as input_names,
    from alternative
    left join {{ ref("int_factor_input") }} as factor_input
        on alternative.input_name = factor_input.input_name
    group by alternative.factor_code, alternative.alternatives
    having not coalesce(bool_or(factor_input.is_loaded), false)
),

missing_list as (
    select
        factor_code,
        string_agg(input_names, ', ' order by input_names) as input_names,
    from missing
    group by factor_code
),

-- A score is the model's: so is the reason why there is none.
model as (
    select
        model_code,
        unavailable_reason,
    from {{ ref("dim_model") }}
),

-- One value is enough: the scan ends with it.
valued as (
    {% for panel in factor_panels() -%}
    {% set is_first_panel = loop.first -%}
    {% for factor in panel.factors -%}
    {{ "union all" if not (is_first_panel and loop.first) }}
    select
        '{{ factor }}' as factor_code,
        exists (
            select panel.{{ factor }},
            from {{ ref(panel.model) }} as panel
            where panel.{{ factor }} is not null
        ) as has_value
    {% endfor -%}
    {% endfor %}
),

judged as (
    select
        factor.*,
        case
            when
                factor.factor_group = 'score'
                and not coalesce(valued.has_value, false)
                and model.unavailable_reason is not null
                then model.unavailable_reason
            when missing_list.input_names is not null
                then 'inputs not loaded: ' || missing_list.input_names
            when not coalesce(valued.has_value, false)
                then 'history too short: no complete week has a value'
        end as unavailable_reason,
    from factor
    left join missing_list on factor.factor_code = missing_list.factor_code
    left join valued on factor.factor_code = valued.factor_code
    left join model on factor.factor_code = model.model_code
)

select
    cast(factor_code as varchar) as factor_code,
    cast(factor_group as varchar) as factor_group,
    cast(name_cn as varchar) as name_cn,
    cast(name_en as varchar) as name_en,
    cast(definition as varchar) as definition,
    cast(formula as varchar) as formula,
    cast(unit as varchar) as unit,
    cast(sign as integer) as sign,
    cast(inputs as varchar) as inputs,
    cast(source as varchar) as source,
    cast(unavailable_reason is null as boolean) as is_available,
    cast(unavailable_reason as varchar) as unavailable_reason,
from judged
