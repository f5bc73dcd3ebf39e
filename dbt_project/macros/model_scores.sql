{#
    Codes of the models with scores: columns of int_score_factor_weekly, rows of the seed
    `factor`. The networks and their linear baselines write raw.model_score; fused models
    are those of the seed `score_fusion`, blends of factors those of
    int_factor_blend_weight_weekly; `text_` and an encoder's code is a text factor.
-#}
{% macro score_factor_codes() -%}
    {{ return([
        "fused",
        "fused_equal",
        "fused_linear",
        "gru_high_frequency",
        "gru_low_frequency",
        "linear_high_frequency",
        "linear_low_frequency",
        "gru_daily",
        "gru_barra5d",
        "gru_barra1d",
        "gru_close1d",
        "gru_open1d",
        "hf_equal_weight",
        "hf_icir_weight",
        "gru_daily_only",
        "gru_weekly_only",
        "gru_monthly_only",
        "low_frequency_equal_weight",
        "gru_separate_encoders",
        "gru_four_task",
        "text_bert",
        "text_word_count",
    ]) }}
{%- endmacro %}

{#
    Rows of `relation` with the standard score of `score` among the stocks of a model and
    week that count, not winsorised: NULL of the others, below `score_minimum_stocks` and
    of a constant.
-#}
{% macro standardised_scores(relation) -%}
    with spread as (
        select
            model_code,
            trade_week,
            {{ spread_aggregates("score") }},
        from {{ relation }}
        where is_counted
        group by model_code, trade_week
    ),

    placed as (
        select
            scored.model_code,
            scored.trade_week,
            scored.security_code,
            scored.score,
            scored.decision_time,
            scored.is_counted,
            scored.is_traded,
            case
                when scored.is_counted
                    then {{ cross_position("score", is_winsorised=false) }}
            end as score_position,
        from {{ relation }} as scored
        left join spread
            on
                scored.model_code = spread.model_code
                and scored.trade_week = spread.trade_week
    ),

    moment as (
        select
            model_code,
            trade_week,
            count(*) as stock_count,
            {{ position_aggregates("score_position") }},
        from placed
        where is_counted
        group by model_code, trade_week
    )

    select
        placed.model_code,
        placed.trade_week,
        placed.security_code,
        placed.score,
        placed.decision_time,
        placed.is_counted,
        placed.is_traded,
        case
            when moment.stock_count >= {{ var("score_minimum_stocks") }}
                then {{ cross_z_score("score_position") }}
        end as z_score,
    from placed
    left join moment
        on
            placed.model_code = moment.model_code
            and placed.trade_week = moment.trade_week
{%- endmacro %}

{#
    Scores of the models and of their fusions, with standard scores. A fused model is the
    weighted mean of the standard scores of its parts: a stock that lacks one of them has
    none. What is scored on a day that ends no complete week is not used, nor a stock that
    is not listed on it. `given` has the finite scores of the weeks that `condition` names.
-#}
{% macro stock_scores(given, condition="true") -%}
    with status as (
        select
            trade_week,
            security_code,
            is_in_all,
            is_traded,
        from {{ ref("int_factor_universe_weekly") }}
        where {{ condition }}
    ),

    model_score as (
        select
            given.model_code,
            given.trade_week,
            given.security_code,
            given.score,
            coalesce(
                given.decision_time,
                given.trade_week + interval 15 hour
            ) as decision_time,
            status.is_in_all as is_counted,
            status.is_traded,
        from {{ given }} as given
        inner join status
            on
                given.trade_week = status.trade_week
                and given.security_code = status.security_code
    ),

    standardised as (
        {{ standardised_scores("model_score") }}
    ),

    fusion as (
        select
            model_code,
            part_code,
            weight,
            count(*) over (partition by model_code) as part_count,
            sum(weight) over (partition by model_code) as weight_sum,
        from {{ ref("score_fusion") }}
    ),

    fused as (
        select
            fusion.model_code,
            standardised.trade_week,
            standardised.security_code,
            {{ score_sum("fusion.weight * standardised.z_score") }}
            / any_value(fusion.weight_sum) as score,
            max(standardised.decision_time) as decision_time,
            true as is_counted,
            bool_and(standardised.is_traded) as is_traded,
        from standardised
        inner join fusion on standardised.model_code = fusion.part_code
        where standardised.z_score is not null
        group by
            fusion.model_code,
            standardised.trade_week,
            standardised.security_code
        having count(*) = any_value(fusion.part_count)
    ),

    fused_standardised as (
        {{ standardised_scores("fused") }}
    )

    select
        model_code,
        trade_week,
        security_code,
        score,
        decision_time,
        is_counted,
        is_traded,
        z_score,
    from standardised
    union all
    select
        model_code,
        trade_week,
        security_code,
        score,
        decision_time,
        is_counted,
        is_traded,
        z_score,
    from fused_standardised
{%- endmacro %}

{#
    Styles that bound an index enhancement: columns of int_style_factor_weekly, Barra's.
    The seed `enhancement` names those that count for a strategy.
-#}
{% macro enhancement_styles() -%}
    {{ return([
        "log_market_cap",
        "beta",
        "momentum",
        "residual_volatility",
        "nonlinear_size",
        "bp",
        "liquidity",
        "earnings_yield",
        "growth",
        "leverage_cne5",
    ]) }}
{%- endmacro %}

{#
    Scores of groups of stocks (industries, indices) among all groups of the same pool and
    week: standard score, rank, and the change from the exchange week before, NULL where
    that has no score. `pool` are the columns that name one.
-#}
{% macro compared_group_scores(relation, group_code, pool) -%}
    {%- set own_pool = pool | join(", ") %}
    with week as (
        select
            trade_week,
            previous_trade_week,
        from {{ ref("int_trading_day") }}
        where is_week_end
    ),

    moment as (
        select
            {{ own_pool }},
            trade_week,
            {{ exact_mean("score", 15) }} as score_mean,
            {{ exact_stddev("score") }} as score_std,
        from {{ relation }}
        group by {{ own_pool }}, trade_week
    )

    select
        grouped.*,
        (grouped.score - moment.score_mean)
        / nullif(moment.score_std, 0) as z_score,
        case
            when grouped.score is not null
                then
                    rank() over (
                        partition by {{ prefixed(pool, "grouped") }}, grouped.trade_week
                        order by grouped.score desc nulls last
                    )
        end as score_rank,
        grouped.score - former.score as change,
    from {{ relation }} as grouped
    inner join moment
        on
            {{ same_keys(pool, "grouped", "moment") }}
            and grouped.trade_week = moment.trade_week
    inner join week on grouped.trade_week = week.trade_week
    left join {{ relation }} as former
        on
            {{ same_keys(pool, "grouped", "former") }}
            and grouped.{{ group_code }} = former.{{ group_code }}
            and week.previous_trade_week = former.trade_week
{%- endmacro %}
