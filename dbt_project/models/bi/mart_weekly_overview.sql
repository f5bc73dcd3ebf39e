{%- set index_codes = {
    "csi300": "000300.SH", "csi500": "000905.SH", "csi1000": "000852.SH",
} %}
{%- set strategies = [
    "diffusion_monthly", "diffusion_weekly", "gru_industry", "ai_industry", "ai_theme",
    "low_volatility_50", "fused_top_layer", "bert_top25",
] %}
{%- set timing_methods = [
    "first_threshold", "delayed_threshold", "dual_moving_average",
] %}
{%- set microcap = "'" ~ var("factor_microcap_index") ~ "'" %}

with week as (
    select
        trade_week,
        first_day,
        day_count,
        is_month_end,
    from {{ ref("dim_trade_week") }}
    where is_complete
),

-- One system a week: the first of the two that has industry returns.
industry_return as (
    select
        industry_return.trade_week,
        industry_return.industry_system,
        industry_return.industry_code,
        industry.name_cn,
        industry.name_en,
        industry_return.float_cap_return,
    from {{ ref("fct_industry_return_weekly") }} as industry_return
    inner join {{ ref("dim_industry") }} as industry
        on
            industry_return.industry_system = industry.industry_system
            and industry_return.industry_code = industry.industry_code
    where
        industry_return.industry_system in ('citic1', 'shenwan1')
        and industry_return.float_cap_return is not null
    qualify
        industry_return.industry_system = min(industry_return.industry_system) over (
            partition by industry_return.trade_week
        )
),

industry_week as (
    select
        trade_week,
        min(industry_system) as industry_system,
        count(*) as industry_count,
        count(*) filter (where float_cap_return > 0) as rising_industry_count,
        max(float_cap_return) as best_industry_return,
        min(float_cap_return) as worst_industry_return,
        {% for language in ["cn", "en"] -%}
        first(
            name_{{ language }} order by float_cap_return desc, industry_code asc
        ) as best_industry_{{ language }},
        first(
            name_{{ language }} order by float_cap_return asc, industry_code asc
        ) as worst_industry_{{ language }},
        {% endfor -%}
    from industry_return
    group by trade_week
),

benchmark_week as (
    select
        trading_day.trade_week,
        benchmark.industry_system,
        {{ compound("benchmark.benchmark_return", "benchmark.trade_date") }}
            as benchmark_return,
        {{ compound("benchmark.market_return", "benchmark.trade_date") }}
            as market_return,
        count(benchmark.benchmark_return) as benchmark_day_count,
        count(benchmark.market_return) as market_day_count,
    from {{ ref("fct_industry_benchmark_daily") }} as benchmark
    inner join {{ ref("int_trading_day") }} as trading_day
        on benchmark.trade_date = trading_day.trade_date
    group by trading_day.trade_week, benchmark.industry_system
),

diffusion_week as (
    select
        diffusion.trade_week,
        diffusion.industry_system,
        count(*) filter (where diffusion.diffusion_index > 0.5)
            as broad_industry_count,
        {% for language, separator in [("cn", "、"), ("en", ", ")] -%}
        string_agg(
            industry.name_{{ language }}, '{{ separator }}'
            order by diffusion.diffusion_rank, diffusion.industry_code
        ) filter (
            where diffusion.diffusion_rank <= 6
        ) as diffusion_leaders_{{ language }},
        {% endfor -%}
        {{ exact_mean("diffusion.diffusion_index", 15) }} as mean_diffusion_index,
    from {{ ref("fct_diffusion_index_weekly") }} as diffusion
    inner join {{ ref("dim_industry") }} as industry
        on
            diffusion.industry_system = industry.industry_system
            and diffusion.industry_code = industry.industry_code
    where
        diffusion.variant = 'default'
        and diffusion.diffusion_index is not null
    group by diffusion.trade_week, diffusion.industry_system
),

index_week as (
    select
        trade_week,
        {% for name, code in index_codes.items() -%}
        max(weekly_return) filter (where index_code = '{{ code }}')
            as {{ name }}_return,
        {% endfor -%}
        max(weekly_return) filter (where is_microcap) as microcap_return,
        max(return_rank) filter (where is_microcap) as microcap_return_rank,
        max(index_count) filter (where is_microcap) as index_count,
    from {{ ref("fct_index_rank_weekly") }}
    group by trade_week
),

microcap_day as (
    select
        trade_date,
        index_level,
        diffusion_index,
        {% for method in timing_methods -%}
        {{ method }}_position,
        {% endfor -%}
    from {{ ref("mart_microcap_dashboard") }}
    where index_code = {{ microcap }}
),

strategy_week as (
    select
        {% for strategy in strategies -%}
        max(strategy_return) filter (
            where strategy_code = '{{ strategy }}'
        ) as {{ strategy }}_return,
        max(excess_return) filter (
            where strategy_code = '{{ strategy }}'
        ) as {{ strategy }}_excess_return,
        {% endfor -%}
        trade_week,
    from {{ ref("fct_rotation_return_weekly") }}
    group by trade_week
),

ic_week as (
    select
        trade_week,
        max(rank_ic) filter (where universe = 'all' and factor_code = 'log_market_cap')
            as size_ic,
        max(rank_ic) filter (where universe = 'all' and factor_code = 'volatility_1y')
            as volatility_ic,
        max(rank_ic) filter (where universe = 'all' and factor_code = 'fused')
            as fused_ic,
    from {{ ref("fct_factor_ic_weekly") }}
    group by trade_week
),

microcap_ic_week as (
    select
        trade_week,
        max(rank_ic) filter (where factor_code = 'log_market_cap')
            as microcap_size_ic,
        max(rank_ic) as microcap_best_factor_ic,
        min(rank_ic) as microcap_worst_factor_ic,
        first(factor_code order by rank_ic desc, factor_code asc)
            as microcap_best_factor,
        first(factor_code order by rank_ic asc, factor_code asc)
            as microcap_worst_factor,
    from {{ ref("fct_microcap_factor_ic_weekly") }}
    where rank_ic is not null
    group by trade_week
),

etf_week as (
    select
        trade_week,
        max(known_date) as etf_known_date,
        {{ exact_sum("net_inflow_cny", 2) }} as etf_net_inflow_cny,
        {{ exact_sum("net_inflow_cny", 2, "etf_class = 'broad'") }}
            as broad_etf_net_inflow_cny,
        first(etf_class order by net_inflow_cny desc, etf_class asc) filter (
            where net_inflow_cny is not null
        ) as top_inflow_etf_class,
    from {{ ref("fct_etf_flow_class_weekly") }}
    group by trade_week
),

-- The whole market stands once in each industry system.
margin_week as (
    select
        trade_week,
        known_date as margin_known_date,
        financing_balance_change_cny,
        financing_balance_cny,
    from {{ ref("fct_margin_flow_weekly") }}
    where industry_code = {{ market_code() }}
    qualify
        row_number() over (partition by trade_week order by industry_system asc) = 1
),

limit_day as (
    select
        trade_date,
        limit_up_count,
        limit_down_count,
        longest_run,
    from {{ ref("fct_limit_up_daily") }}
    where industry_code = {{ market_code() }}
    qualify
        row_number() over (partition by trade_date order by industry_system asc) = 1
),

limit_week as (
    select
        trading_day.trade_week,
        cast(sum(limit_day.limit_up_count) as bigint) as limit_up_count,
        cast(sum(limit_day.limit_down_count) as bigint) as limit_down_count,
        max(limit_day.longest_run) as longest_run,
        count(*) as limit_day_count,
    from limit_day
    inner join {{ ref("int_trading_day") }} as trading_day
        on limit_day.trade_date = trading_day.trade_date
    group by trading_day.trade_week
)

select
    cast(week.trade_week as date) as trade_week,
    cast(week.first_day as date) as first_day,
    cast(week.day_count as bigint) as day_count,
    cast(week.is_month_end as boolean) as is_month_end,
    {% for name in index_codes -%}
    cast(round(index_week.{{ name }}_return, 6) as double) as {{ name }}_return,
    {% endfor -%}
    cast(round(index_week.microcap_return, 6) as double) as microcap_return,
    cast(index_week.microcap_return_rank as integer) as microcap_return_rank,
    cast(index_week.index_count as integer) as index_count,
    cast(
        round(
            case
                when benchmark_week.market_day_count = week.day_count
                    then benchmark_week.market_return
            end,
            6
        ) as double
    ) as market_return,
    cast(
        round(
            case
                when benchmark_week.benchmark_day_count = week.day_count
                    then benchmark_week.benchmark_return
            end,
            6
        ) as double
    ) as industry_benchmark_return,
    cast(industry_week.industry_system as varchar) as industry_system,
    cast(industry_week.industry_count as bigint) as industry_count,
    cast(industry_week.rising_industry_count as bigint) as rising_industry_count,
    {% for place in ["best", "worst"] -%}
    cast(industry_week.{{ place }}_industry_cn as varchar) as {{ place }}_industry_cn,
    cast(industry_week.{{ place }}_industry_en as varchar) as {{ place }}_industry_en,
    cast(
        round(industry_week.{{ place }}_industry_return, 6) as double
    ) as {{ place }}_industry_return,
    {% endfor -%}
    cast(round(diffusion_week.mean_diffusion_index, 4) as double)
        as mean_diffusion_index,
    cast(diffusion_week.broad_industry_count as bigint) as broad_industry_count,
    cast(diffusion_week.diffusion_leaders_cn as varchar) as diffusion_leaders_cn,
    cast(diffusion_week.diffusion_leaders_en as varchar) as diffusion_leaders_en,
    {% for strategy in strategies -%}
    cast(round(strategy_week.{{ strategy }}_return, 6) as double)
        as {{ strategy }}_return,
    cast(round(strategy_week.{{ strategy }}_excess_return, 6) as double)
        as {{ strategy }}_excess_return,
    {% endfor -%}
    cast(microcap_day.index_level as double) as microcap_level,
    cast(microcap_day.diffusion_index as double) as microcap_diffusion_index,
    {% for method in timing_methods -%}
    cast(microcap_day.{{ method }}_position as integer) as {{ method }}_position,
    {% endfor -%}
    cast(round(ic_week.size_ic, 6) as double) as size_ic,
    cast(round(ic_week.volatility_ic, 6) as double) as volatility_ic,
    cast(round(ic_week.fused_ic, 6) as double) as fused_ic,
    cast(round(microcap_ic_week.microcap_size_ic, 6) as double) as microcap_size_ic,
    {% for place in ["best", "worst"] -%}
    cast(microcap_ic_week.microcap_{{ place }}_factor as varchar)
        as microcap_{{ place }}_factor,
    cast(round(microcap_ic_week.microcap_{{ place }}_factor_ic, 6) as double)
        as microcap_{{ place }}_factor_ic,
    {% endfor -%}
    cast(round(etf_week.etf_net_inflow_cny, 2) as double) as etf_net_inflow_cny,
    cast(round(etf_week.broad_etf_net_inflow_cny, 2) as double)
        as broad_etf_net_inflow_cny,
    cast(etf_week.top_inflow_etf_class as varchar) as top_inflow_etf_class,
    cast(etf_week.etf_known_date as date) as etf_known_date,
    cast(round(margin_week.financing_balance_change_cny, 2) as double)
        as financing_balance_change_cny,
    cast(round(margin_week.financing_balance_cny, 2) as double)
        as financing_balance_cny,
    cast(margin_week.margin_known_date as date) as margin_known_date,
    cast(limit_week.limit_up_count as bigint) as limit_up_count,
    cast(limit_week.limit_down_count as bigint) as limit_down_count,
    cast(limit_week.longest_run as bigint) as longest_run,
from week
left join industry_week on week.trade_week = industry_week.trade_week
left join benchmark_week
    on
        industry_week.trade_week = benchmark_week.trade_week
        and industry_week.industry_system = benchmark_week.industry_system
left join diffusion_week
    on
        industry_week.trade_week = diffusion_week.trade_week
        and industry_week.industry_system = diffusion_week.industry_system
left join index_week on week.trade_week = index_week.trade_week
left join microcap_day on week.trade_week = microcap_day.trade_date
left join strategy_week on week.trade_week = strategy_week.trade_week
left join ic_week on week.trade_week = ic_week.trade_week
left join microcap_ic_week on week.trade_week = microcap_ic_week.trade_week
left join etf_week on week.trade_week = etf_week.trade_week
left join margin_week on week.trade_week = margin_week.trade_week
left join limit_week
    on
        week.trade_week = limit_week.trade_week
        and week.day_count = limit_week.limit_day_count
