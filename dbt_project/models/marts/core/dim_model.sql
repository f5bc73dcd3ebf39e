with model as (
    select
        model_code,
        model_group,
        name_cn,
        name_en,
        definition,
        inputs,
        label,
        source,
    from {{ ref("model") }}
),

scored as (
    select
        model_code,
        min(trade_week) as first_trade_week,
        max(trade_week) as last_trade_week,
    from {{ ref("stg_model_score") }}
    group by model_code
),

absence as (
    select
        model_code,
        reason,
    from {{ ref("stg_model_absence") }}
),

judged as (
    select
        model.*,
        scored.first_trade_week,
        scored.last_trade_week,
        case
            when scored.model_code is null
                then coalesce(absence.reason, 'not scored yet: refresh')
        end as unavailable_reason,
    from model
    left join scored on model.model_code = scored.model_code
    left join absence on model.model_code = absence.model_code
)

select
    cast(model_code as varchar) as model_code,
    cast(model_group as varchar) as model_group,
    cast(name_cn as varchar) as name_cn,
    cast(name_en as varchar) as name_en,
    cast(definition as varchar) as definition,
    cast(inputs as varchar) as inputs,
    cast(label as varchar) as label,
    cast(source as varchar) as source,
    cast(first_trade_week as date) as first_trade_week,
    cast(last_trade_week as date) as last_trade_week,
    cast(unavailable_reason is null as boolean) as is_available,
    cast(unavailable_reason as varchar) as unavailable_reason,
from judged
