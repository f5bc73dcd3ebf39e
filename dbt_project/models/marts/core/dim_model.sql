with single as (
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

-- Names and definitions of fusions are those of the factor that they are.
fusion as (
    select
        fusion.model_code,
        'fusion' as model_group,
        any_value(factor.name_cn) as name_cn,
        any_value(factor.name_en) as name_en,
        any_value(factor.definition) as definition,
        string_agg(fusion.part_code, '|' order by fusion.part_code) as inputs,
        string_agg(distinct single.label, '; ' order by single.label) as label,
        any_value(factor.source) as source,
    from {{ ref("score_fusion") }} as fusion
    inner join {{ ref("factor") }} as factor on fusion.model_code = factor.factor_code
    inner join single on fusion.part_code = single.model_code
    group by fusion.model_code
),

model as (
    select
        model_code,
        model_group,
        name_cn,
        name_en,
        definition,
        inputs,
        label,
        source,
    from single
    union all
    select
        model_code,
        model_group,
        name_cn,
        name_en,
        definition,
        inputs,
        label,
        source,
    from fusion
),

scored as (
    select
        model_code,
        min(trade_week) as first_trade_week,
        max(trade_week) as last_trade_week,
    from {{ ref("stg_model_score") }}
    group by model_code
    union all
    select
        score.model_code,
        min(score.trade_week) as first_trade_week,
        max(score.trade_week) as last_trade_week,
    from {{ ref("int_stock_score_weekly") }} as score
    semi join model
        on
            score.model_code = model.model_code
            and model.model_group in ('fusion', 'blend')
    group by score.model_code
    union all
    -- A report counts in the week of the day on which it was known.
    select
        'text_' || score.encoder_code as model_code,
        min(day.trade_week) as first_trade_week,
        max(day.trade_week) as last_trade_week,
    from {{ ref("int_text_score") }} as score
    inner join {{ ref("int_trading_day") }} as day on score.known_date = day.trade_date
    group by score.encoder_code
),

absence as (
    select
        model_code,
        reason,
    from {{ ref("stg_model_absence") }}
),

-- A fusion lacks what its parts lack.
missing_part as (
    select
        fusion.model_code,
        string_agg(
            fusion.part_code || ': '
            || coalesce(absence.reason, 'not scored yet: refresh'),
            '; '
            order by fusion.part_code
        ) as reasons,
    from {{ ref("score_fusion") }} as fusion
    anti join scored on fusion.part_code = scored.model_code
    left join absence on fusion.part_code = absence.model_code
    group by fusion.model_code
),

minute_bar as (
    select is_loaded,
    from {{ ref("int_factor_input") }}
    where input_name = 'minute_bar.close_cny'
),

-- A blend without scores says what its weights say of the last week that has any.
weightless as (
    select
        model_code,
        arg_max(reason, trade_week) as reason,
    from {{ ref("int_factor_blend_weight_weekly") }}
    where weight is null
    group by model_code
),

judged as (
    select
        model.*,
        scored.first_trade_week,
        scored.last_trade_week,
        case
            when scored.model_code is not null then null
            when model.model_group = 'fusion'
                then coalesce(missing_part.reasons, 'no stock has scores of all parts')
            when model.model_group = 'blend' and not minute_bar.is_loaded
                then 'inputs not loaded: minute_bar'
            when model.model_group = 'blend'
                then
                    coalesce(
                        weightless.reason,
                        'history too short: no complete week has a value'
                    )
            else coalesce(absence.reason, 'not scored yet: refresh')
        end as unavailable_reason,
    from model
    left join scored on model.model_code = scored.model_code
    left join absence on model.model_code = absence.model_code
    left join missing_part on model.model_code = missing_part.model_code
    left join weightless on model.model_code = weightless.model_code
    cross join minute_bar
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
