{{ config(meta={"dagster": {"ref": {"name": "dim_factor"}}}) }}

-- The seed, the lists of codes and the inputs that are looked for must agree: a row is
-- a factor without a column, a column without a row of the seed, or an input that the
-- seed names and nobody looks for.
with declared as (
    {% for panel in factor_panels() -%}
    {{ "union all" if not loop.first }}
    select
        unnest([
            {%- for factor in panel.factors %}
            '{{ factor }}'{{ "," if not loop.last }}
            {%- endfor %}
        ]) as factor_code,
    {% endfor %}
),

seeded as (
    select factor_code,
    from {{ ref("dim_factor") }}
),

named_input as (
    select
        factor_code,
        unnest(regexp_split_to_array(inputs, '[|/]')) as input_name,
    from {{ ref("dim_factor") }}
)

select
    coalesce(declared.factor_code, seeded.factor_code) as factor_code,
    'not both a column and a row of the seed' as problem,
from declared
full outer join seeded on declared.factor_code = seeded.factor_code
where
    declared.factor_code is null
    or seeded.factor_code is null
union all
select
    named_input.factor_code,
    'input is not looked for: ' || named_input.input_name as problem,
from named_input
anti join {{ ref("int_factor_input") }} as factor_input
    on named_input.input_name = factor_input.input_name
