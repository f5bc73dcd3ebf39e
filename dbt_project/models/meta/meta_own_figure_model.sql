-- Of the published systems on model scores. What a source states of all years is of our
-- last complete week. The published top layers are measured against the mean of all
-- stocks, ours against an index. Published enhancements trade at the volume-weighted
-- average price, ours at the open.
{%- set weekly = [
    ("gru_industry_paper", "gru_industry_rotation", "strategy", {
        "weekly_return": "strategy_return",
        "weekly_excess_return": "excess_return",
        "month_to_date_excess_return": "month_to_date_excess_return",
        "ytd_excess_return": "year_to_date_excess_return",
    }),
    ("ai_industry", "ai_industry_rotation", "strategy", {
        "ytd_return": "year_to_date_return",
        "ytd_excess_return": "year_to_date_excess_return",
    }),
    ("ai_theme", "ai_theme_index_rotation", "strategy", {
        "ytd_return": "year_to_date_return",
        "ytd_excess_return": "year_to_date_excess_return",
    }),
    ("ai_concept", "ai_concept_index_rotation", "strategy", {
        "ytd_return": "year_to_date_return",
        "ytd_excess_return": "year_to_date_excess_return",
    }),
    ("fused_top_layer", "all_frequency_fusion_factor", "top_layer", {
        "ytd_excess_return": "year_to_date_excess_return",
    }),
    ("index_enhanced_csi1000", "ai_csi1000_enhanced", "strategy", {
        "weekly_excess_return": "excess_return",
        "ytd_excess_return": "year_to_date_excess_return",
    }),
    ("gru_long_only_barra1d", "gru_long_only", "barra1d", {
        "weekly_excess_vs_csi1000": "excess_return",
    }),
    ("gru_long_only_barra5d", "gru_long_only", "barra5d", {
        "ytd_excess_vs_csi1000": "year_to_date_excess_return",
    }),
] %}
{%- set rotation_measures = {
    "annualized_return": "annualised_return",
    "annualized_excess_return": "annualised_excess",
    "excess_sharpe": "excess_sharpe",
    "max_drawdown_of_excess": "max_drawdown_of_excess",
} %}
{%- set layer_measures = {
    "top_layer_annualized_excess": "annualised_excess",
    "top_layer_win_rate": "win_rate",
    "top_layer_two_way_turnover_per_rebalance": "turnover",
} %}
{%- set excess_measures = {
    "annualized_excess_return": "annualised_excess",
    "information_ratio": "excess_sharpe",
    "max_drawdown_of_excess": "max_drawdown_of_excess",
} %}
{%- set tracking_measures = {"tracking_error": "excess_volatility"} %}
{%- set enhancement_measures = {
    "annualized_return": "annualised_return",
    "annualized_volatility": "volatility",
    "max_drawdown": "max_drawdown",
    "two_way_turnover_per_rebalance": "turnover",
} %}
{%- set enhancements = [
    ("index_enhanced_csi500", "index_enhanced_csi500", "turnover_cap_30"),
    ("index_enhanced_csi500_turnover40", "index_enhanced_csi500", "turnover_cap_40"),
    ("index_enhanced_csi500_turnover50", "index_enhanced_csi500", "turnover_cap_50"),
    ("index_enhanced_csi1000", "index_enhanced_csi1000", "turnover_cap_30"),
    ("index_enhanced_csi1000_turnover40", "index_enhanced_csi1000", "turnover_cap_40"),
    ("index_enhanced_csi1000_turnover50", "index_enhanced_csi1000", "turnover_cap_50"),
] %}
{%- set whole = [
    ("ai_industry", "ai_industry_rotation", "strategy", rotation_measures),
    ("ai_theme", "ai_theme_index_rotation", "strategy", rotation_measures),
    ("ai_concept", "ai_concept_index_rotation", "strategy", rotation_measures),
    ("fused_top_layer", "all_frequency_fusion_factor", "top_layer", {
        "annualized_excess_return": "annualised_excess",
    }),
    ("fused_top_layer", "all_frequency_fusion_factor", "all", layer_measures),
    ("fused_top_layer", "all_frequency_fusion_factor", "all", {
        "top_layer_information_ratio": "excess_sharpe",
    }),
    ("low_frequency_top_layer", "lf_multitask_factor", "all", layer_measures),
    ("high_frequency_top_layer", "hf_deep_learning_factor", "all", layer_measures),
    ("hf_equal_weight_top_layer", "hf_equal_weight_factor", "all", layer_measures),
    ("hf_icir_weight_top_layer", "hf_icir_weight_factor", "all", layer_measures),
    ("daily_only_top_layer", "lf_daily_only_factor", "all", layer_measures),
    ("low_frequency_equal_weight_top_layer", "lf_equal_weight_factor", "all", layer_measures),
    ("separate_encoders_top_layer", "lf_multitask_no_shared_gru", "all", layer_measures),
    ("four_task_top_layer", "all_frequency_multitask_factor", "all", layer_measures),
    ("csi1000_enhanced", "gru_daily_baseline", "csi1000_enhanced", excess_measures),
    ("index_enhanced_csi1000", "ai_csi1000_enhanced", "strategy", excess_measures),
    ("index_enhanced_csi1000", "ai_csi1000_enhanced", "strategy", tracking_measures),
    ("index_enhanced_csi1000", "ai_csi1000_enhanced", "strategy", {
        "calmar_of_excess": "annualised_excess / nullif(max_drawdown_of_excess, 0)",
    }),
] %}
{%- for strategy, system, subject in enhancements %}
{%- for measures in [enhancement_measures, excess_measures, tracking_measures] %}
{%- do whole.append((strategy, system, subject, measures)) %}
{%- endfor %}
{%- endfor %}
{%- set ic_measures = {
    "rank_ic_mean": "mean",
    "rank_ic_std": "std",
    "ic_positive_share": "positive_share",
} %}
{%- set ics = [
    ("fused", "all_frequency_fusion_factor", ic_measures),
    ("fused", "all_frequency_fusion_factor", {
        "ic_ir": "icir", "rank_ic_5d_mean": "mean",
    }),
    ("gru_high_frequency", "hf_deep_learning_factor", ic_measures),
    ("gru_low_frequency", "lf_multitask_factor", ic_measures),
    ("hf_equal_weight", "hf_equal_weight_factor", ic_measures),
    ("hf_icir_weight", "hf_icir_weight_factor", ic_measures),
    ("gru_daily_only", "lf_daily_only_factor", ic_measures),
    ("low_frequency_equal_weight", "lf_equal_weight_factor", ic_measures),
    ("gru_separate_encoders", "lf_multitask_no_shared_gru", ic_measures),
    ("gru_four_task", "all_frequency_multitask_factor", ic_measures),
] %}

with whole_period as (
    {{ whole_period_return_weekly() }}
),

whole_year as (
    {{ whole_year_performance() }}
),

last_week as (
    {{ last_complete_week() }}
),

weekly_value as (
    {% for strategy, system, subject, measures in weekly -%}
    {% set outer = loop -%}
    {% for metric, measure in measures.items() -%}
    {{ "union all" if not (outer.first and loop.first) }}
    select
        '{{ system }}' as system,
        '{{ metric }}' as metric,
        '{{ subject }}' as subject_code,
        trade_week as as_of_date,
        {{ measure }} as own_value,
    from whole_period
    where strategy_code = '{{ strategy }}'
    {% endfor -%}
    {% endfor -%}
    union all
    select
        'gru_industry_rotation' as system,
        'annual_excess_return_2024_to_date' as metric,
        'strategy' as subject_code,
        trade_week as as_of_date,
        year_to_date_excess_return as own_value,
    from whole_period
    where
        strategy_code = 'gru_industry_paper'
        and year(trade_week) = 2024
    {% for side in ["min", "max"] -%}
    union all
    select
        'gru_long_only' as system,
        'weekly_excess_vs_csi1000_{{ side }}' as metric,
        'all' as subject_code,
        trade_week as as_of_date,
        {{ side }}(excess_return) as own_value,
    from whole_period
    where starts_with(strategy_code, 'gru_long_only_')
    group by trade_week
    {% endfor -%}
),

industry_value as (
    select
        'gru_industry_rotation' as system,
        'gru_factor_score' as metric,
        industry_code as subject_code,
        trade_week as as_of_date,
        score as own_value,
    from {{ ref("fct_industry_score_weekly") }}
    where
        model_code = 'gru_barra5d'
        and industry_system = 'citic1'
),

-- The first month counts from its first execution, the last to the last loaded day.
enhanced_month as (
    select
        strategy_code,
        sum(ln(1 + strategy_return)) > sum(ln(1 + benchmark_return)) as is_won,
    from {{ ref("fct_rotation_return_daily") }}
    where starts_with(strategy_code, 'index_enhanced_')
    group by strategy_code, date_trunc('month', trade_date)
),

whole_value as (
    {% for strategy, system, subject, measures in whole -%}
    {% set outer = loop -%}
    {% for metric, measure in measures.items() -%}
    {{ "union all" if not (outer.first and loop.first) }}
    select
        '{{ system }}' as system,
        '{{ metric }}' as metric,
        '{{ subject }}' as subject_code,
        {{ measure }} as own_value,
    from {{ ref("fct_rotation_performance") }}
    where
        strategy_code = '{{ strategy }}'
        and period = 'all'
    {% endfor -%}
    {% endfor -%}
    {% for model, system, measures in ics -%}
    {% for metric, measure in measures.items() -%}
    union all
    select
        '{{ system }}' as system,
        '{{ metric }}' as metric,
        'all' as subject_code,
        {{ measure }} as own_value,
    from {{ ref("fct_model_ic_summary") }}
    where
        model_code = '{{ model }}'
        and period = 'all'
    {% endfor -%}
    {% endfor -%}
    {% for strategy, system, subject in enhancements -%}
    union all
    select
        '{{ system }}' as system,
        'monthly_win_rate' as metric,
        '{{ subject }}' as subject_code,
        count(*) filter (where is_won) / nullif(count(*), 0) as own_value,
    from enhanced_month
    where strategy_code = '{{ strategy }}'
    {% endfor -%}
    union all
    select
        'all_frequency_fusion_factor' as system,
        'rank_ic_5d_ytd' as metric,
        'all' as subject_code,
        mean as own_value,
    from {{ ref("fct_model_ic_summary") }}
    where
        model_code = 'fused'
        and period = 'year_to_date'
    union all
    select
        'lf_multitask_factor' as system,
        'correlation_with_hf_deep_learning_factor' as metric,
        'all' as subject_code,
        {{ exact_mean("correlation", 15) }} as own_value,
    from {{ ref("fct_score_correlation_weekly") }}
    where
        model_code = 'gru_high_frequency'
        and other_model_code = 'gru_low_frequency'
),

year_value as (
    {% for strategy, system, subject, metric, measure in [
        ("ai_industry", "ai_industry_rotation", "strategy",
            "annual_excess_return_2024", "excess_return"),
        ("fused_top_layer", "all_frequency_fusion_factor", "top_layer",
            "annual_excess_return_2024", "excess_return"),
        ("index_enhanced_csi1000", "ai_csi1000_enhanced", "strategy",
            "annual_excess_return_2024", "excess_return"),
        ("index_enhanced_csi1000", "ai_csi1000_enhanced", "strategy",
            "annual_return_2024", "total_return"),
    ] -%}
    select
        '{{ system }}' as system,
        '{{ metric }}' as metric,
        '{{ subject }}' as subject_code,
        {{ measure }} as own_value,
    from whole_year
    where
        strategy_code = '{{ strategy }}'
        and calendar_year = 2024
    union all
    {% endfor -%}
    select
        'all_frequency_fusion_factor' as system,
        'rank_ic_5d_2024' as metric,
        'all' as subject_code,
        mean as own_value,
    from {{ ref("fct_model_ic_summary") }}
    where
        model_code = 'fused'
        and period = '2024'
        -- The last week of the year has its return.
        and exists (
            select ic.trade_week,
            from {{ ref("fct_model_ic_weekly") }} as ic
            where
                ic.model_code = 'fused'
                and year(ic.trade_week) = 2025
        )
),

own_value as (
    select
        system,
        metric,
        subject_code,
        as_of_date,
        own_value,
    from weekly_value
    union all
    select
        system,
        metric,
        subject_code,
        as_of_date,
        own_value,
    from industry_value
    union all
    select
        whole_value.system,
        whole_value.metric,
        whole_value.subject_code,
        last_week.trade_date as as_of_date,
        whole_value.own_value,
    from whole_value
    cross join last_week
    union all
    select
        system,
        metric,
        subject_code,
        make_date(2024, 12, 31) as as_of_date,
        own_value,
    from year_value
)

select
    cast(system as varchar) as system,
    cast(metric as varchar) as metric,
    cast(subject_code as varchar) as subject_code,
    cast(as_of_date as date) as as_of_date,
    cast(own_value as double) as own_value,
    cast(null as boolean) as is_signal,
    'scores of our own networks and blends' as basis,
from own_value
where own_value is not null
