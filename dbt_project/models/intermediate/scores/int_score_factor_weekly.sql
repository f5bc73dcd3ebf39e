{{
    config(
        materialized="incremental",
        incremental_strategy="rewrite_window",
        on_schema_change="fail",
        meta={"window_column": "trade_week"},
    )
}}

with score as (
    select
        model_code,
        trade_week,
        security_code,
        score,
    from {{ ref("int_stock_score_weekly") }}
    where {{ in_build_window("trade_week") }}
    union all
    select
        'text_' || text_factor.encoder_code as model_code,
        text_factor.trade_date as trade_week,
        text_factor.security_code,
        text_factor.text_score as score,
    from {{ ref("int_text_factor") }} as text_factor
    -- Only what is listed on the day.
    semi join {{ ref("int_factor_universe_weekly") }} as universe
        on
            text_factor.trade_date = universe.trade_week
            and text_factor.security_code = universe.security_code
    where
        text_factor.is_week_end
        and {{ in_build_window("text_factor.trade_date") }}
)

select
    trade_week,
    security_code,
    {% for model_code in score_factor_codes() -%}
    max(score) filter (where model_code = '{{ model_code }}') as {{ model_code }},
    {% endfor -%}
from score
group by trade_week, security_code
