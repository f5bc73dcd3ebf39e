{#
    What tables must hold, for the test `covers`: groups and their numbers of rows. Long
    panels are counted within the build window only, the others have not changed. dbt
    gives a test the macros that it calls by their names, so all are named here.
-#}
{% macro spine_of(name) -%}
    {%- if name == "panel" -%}{{ spine_panel() }}
    {%- elif name == "panel_day" -%}{{ spine_panel_day() }}
    {%- elif name == "industry_return_daily" -%}{{ spine_industry_return_daily() }}
    {%- elif name == "industry_return_weekly" -%}{{ spine_industry_return_weekly() }}
    {%- elif name == "industry_benchmark_daily" -%}{{ spine_industry_benchmark_daily() }}
    {%- elif name == "industry_coverage_daily" -%}{{ spine_industry_coverage_daily() }}
    {%- elif name == "diffusion_index_daily" -%}{{ spine_diffusion_index_daily() }}
    {%- elif name == "diffusion_index_weekly" -%}{{ spine_diffusion_index_weekly() }}
    {%- elif name == "diffusion_index_monthly" -%}{{ spine_diffusion_index_monthly() }}
    {%- elif name == "trade_week" -%}{{ spine_trade_week() }}
    {%- elif name == "security" -%}{{ spine_security() }}
    {%- elif name == "industry_member" -%}{{ spine_industry_member() }}
    {%- elif name == "industry" -%}{{ spine_industry() }}
    {%- elif name == "strategy" -%}{{ spine_strategy() }}
    {%- elif name == "rotation_holding" -%}{{ spine_rotation_holding() }}
    {%- elif name == "enhancement_portfolio" -%}{{ spine_enhancement_portfolio() }}
    {%- elif name == "rotation_return_daily" -%}{{ spine_rotation_return_daily() }}
    {%- elif name == "rotation_return_weekly" -%}{{ spine_rotation_return_weekly() }}
    {%- elif name == "rotation_year" -%}{{ spine_rotation_year() }}
    {%- elif name == "style_factor_weekly" -%}{{ spine_style_factor_weekly() }}
    {%- elif name == "factor_value_weekly" -%}{{ spine_factor_value_weekly() }}
    {%- elif name == "high_frequency_factor_daily" -%}{{ spine_high_frequency_factor_daily() }}
    {%- elif name == "factor" -%}{{ spine_factor() }}
    {%- elif name == "model" -%}{{ spine_model() }}
    {%- elif name == "microcap_member" -%}{{ spine_microcap_member() }}
    {%- elif name == "microcap_index_daily" -%}{{ spine_microcap_index_daily() }}
    {%- elif name == "microcap_diffusion_daily" -%}{{ spine_microcap_diffusion_daily() }}
    {%- elif name == "microcap_critical_grid" -%}{{ spine_microcap_critical_grid() }}
    {%- elif name == "microcap_signal" -%}{{ spine_microcap_signal() }}
    {%- elif name == "signal_outlook" -%}{{ spine_signal_outlook() }}
    {%- elif name == "microcap_timing_daily" -%}{{ spine_microcap_timing_daily() }}
    {%- elif name == "microcap_timing_year" -%}{{ spine_microcap_timing_year() }}
    {%- elif name == "diffusion_timing_daily" -%}{{ spine_diffusion_timing_daily() }}
    {%- elif name == "microcap_dashboard" -%}{{ spine_microcap_dashboard() }}
    {%- elif name == "net_value_weekly" -%}{{ spine_net_value_weekly() }}
    {%- elif name == "complete_week" -%}{{ spine_complete_week() }}
    {%- elif name == "rule_ledger" -%}{{ spine_rule_ledger() }}
    {%- elif name == "calendar_effect" -%}{{ spine_calendar_effect() }}
    {%- elif name == "size_group_week" -%}{{ spine_size_group_week() }}
    {%- elif name == "index_rank_week" -%}{{ spine_index_rank_week() }}
    {%- elif name == "factor_universe" -%}{{ spine_factor_universe() }}
    {%- elif name == "factor_ic_weekly" -%}{{ spine_factor_ic_weekly() }}
    {%- elif name == "factor_layer_weekly" -%}{{ spine_factor_layer_weekly() }}
    {%- elif name == "factor_ic_summary" -%}{{ spine_factor_ic_summary() }}
    {%- elif name == "factor_ic_decay" -%}{{ spine_factor_ic_decay() }}
    {%- elif name == "microcap_factor_ic" -%}{{ spine_microcap_factor_ic() }}
    {%- elif name == "factor_scorecard" -%}{{ spine_factor_scorecard() }}
    {%- elif name == "factor_layer_to_date" -%}{{ spine_factor_layer_to_date() }}
    {%- elif name == "etf" -%}{{ spine_etf() }}
    {%- elif name == "etf_flow_daily" -%}{{ spine_etf_flow_daily() }}
    {%- elif name == "etf_flow_weekly" -%}{{ spine_etf_flow_weekly() }}
    {%- elif name == "etf_flow_class_weekly" -%}{{ spine_etf_flow_class_weekly() }}
    {%- elif name == "margin_flow_daily" -%}{{ spine_margin_flow_daily() }}
    {%- elif name == "margin_flow_weekly" -%}{{ spine_margin_flow_weekly() }}
    {%- elif name == "limit_up_stock_daily" -%}{{ spine_limit_up_stock_daily() }}
    {%- elif name == "limit_up_daily" -%}{{ spine_limit_up_daily() }}
    {%- elif name == "stock_score_weekly" -%}{{ spine_stock_score_weekly() }}
    {%- elif name == "factor_blend_weight_weekly" -%}{{ spine_factor_blend_weight_weekly() }}
    {%- elif name == "industry_score_weekly" -%}{{ spine_industry_score_weekly() }}
    {%- elif name == "index_score_weekly" -%}{{ spine_index_score_weekly() }}
    {%- elif name == "score_correlation_weekly" -%}{{ spine_score_correlation_weekly() }}
    {%- elif name == "model_ic_weekly" -%}{{ spine_model_ic_weekly() }}
    {%- elif name == "model_ic_summary" -%}{{ spine_model_ic_summary() }}
    {%- elif name == "text_score" -%}{{ spine_text_score() }}
    {%- elif name == "text_sentence" -%}{{ spine_text_sentence() }}
    {%- elif name == "text_calibration" -%}{{ spine_text_calibration() }}
    {%- elif name == "text_factor_monthly" -%}{{ spine_text_factor_monthly() }}
    {%- elif name == "report_rule_yearly" -%}{{ spine_report_rule_yearly() }}
    {%- else -%}
        {{ exceptions.raise_compiler_error("no spine is called " ~ name) }}
    {%- endif -%}
{%- endmacro %}

{# Every listed security from its first trade on; beyond the last loaded day, trades. -#}
{% macro spine_panel() -%}
    select
        trading_day.trade_date,
        count(*) as row_count,
    from {{ ref("int_trading_day") }} as trading_day
    inner join (
        select
            security.security_code,
            security.delist_date,
            min(bar.trade_date) as first_date,
        from {{ ref("stg_daily_bar") }} as bar
        inner join {{ ref("stg_security") }} as security
            on bar.security_code = security.security_code
        where {{ is_traded() }}
        group by security.security_code, security.delist_date
    ) as listing
        on
            trading_day.trade_date >= listing.first_date
            and trading_day.trade_date
            < coalesce(listing.delist_date, date '9999-12-31')
    where
        trading_day.is_loaded
        and {{ in_build_window("trading_day.trade_date") }}
    group by trading_day.trade_date
    union all
    select
        trading_day.trade_date,
        count(*) as row_count,
    from {{ ref("stg_daily_bar") }} as bar
    inner join {{ ref("stg_security") }} as security
        on bar.security_code = security.security_code
    inner join {{ ref("int_trading_day") }} as trading_day
        on bar.trade_date = trading_day.trade_date
    where
        {{ is_traded() }}
        and not trading_day.is_loaded
        and {{ in_build_window("bar.trade_date") }}
    group by trading_day.trade_date
{%- endmacro %}

{# Every row of the panel. -#}
{% macro spine_panel_day() -%}
    select
        trade_date,
        count(*) as row_count,
    from {{ ref("int_security_price_day") }}
    where {{ in_build_window("trade_date") }}
    group by trade_date
{%- endmacro %}

{# Every industry that has a member with a return. -#}
{% macro spine_industry_return_daily() -%}
    select
        industry_system,
        trade_date,
        count(*) as row_count,
    from {{ ref("int_industry_member_count") }}
    where
        return_count > 0
        and {{ in_build_window("trade_date") }}
    group by industry_system, trade_date
{%- endmacro %}

{# Every complete week and industry with a return in it. -#}
{% macro spine_industry_return_weekly() -%}
    select
        member_count.industry_system,
        trading_day.trade_week,
        count(distinct member_count.industry_code) as row_count,
    from {{ ref("int_industry_member_count") }} as member_count
    inner join {{ ref("int_trading_day") }} as trading_day
        on member_count.trade_date = trading_day.trade_date
    where
        member_count.return_count > 0
        and trading_day.is_week_complete
    group by member_count.industry_system, trading_day.trade_week
{%- endmacro %}

{# Every day on which a system has a return. -#}
{% macro spine_industry_benchmark_daily() -%}
    select
        industry_system,
        trade_date,
        1 as row_count,
    from {{ ref("int_industry_member_count") }}
    where return_count > 0
    group by industry_system, trade_date
{%- endmacro %}

{# Every loaded day since a system's first member. -#}
{% macro spine_industry_coverage_daily() -%}
    select
        first_member.industry_system,
        count(*) as row_count,
    from (
        select
            industry_system,
            min(trade_date) as first_date,
        from {{ ref("int_industry_member_count") }}
        group by industry_system
    ) as first_member
    inner join {{ ref("int_trading_day") }} as trading_day
        on first_member.first_date <= trading_day.trade_date
    where trading_day.is_loaded
    group by first_member.industry_system
{%- endmacro %}

{# Every industry that has a listed member, in every variant. -#}
{% macro spine_diffusion_index_daily() -%}
    select
        industry_system,
        trade_date,
        {{ var("diffusion_variants") | length }} * count(*) as row_count,
    from {{ ref("int_industry_member_count") }}
    where {{ in_build_window("trade_date") }}
    group by industry_system, trade_date
{%- endmacro %}

{# The same on the last day of every complete week. -#}
{% macro spine_diffusion_index_weekly() -%}
    {{ diffusion_period_spine("trade_week", "is_week_end", "is_week_complete") }}
{%- endmacro %}

{# The same on the last day of every complete month. -#}
{% macro spine_diffusion_index_monthly() -%}
    {{ diffusion_period_spine("trade_month_end", "is_month_end", "is_month_complete") }}
{%- endmacro %}

{% macro diffusion_period_spine(period, is_end, is_complete) -%}
    select
        member_count.industry_system,
        trading_day.{{ period }},
        {{ var("diffusion_variants") | length }} * count(*) as row_count,
    from {{ ref("int_industry_member_count") }} as member_count
    inner join {{ ref("int_trading_day") }} as trading_day
        on member_count.trade_date = trading_day.trade_date
    where
        trading_day.{{ is_end }}
        and trading_day.{{ is_complete }}
    group by member_count.industry_system, trading_day.{{ period }}
{%- endmacro %}

{# Every week that has begun. -#}
{% macro spine_trade_week() -%}
    select
        trade_week,
        1 as row_count,
    from {{ ref("int_trading_day") }}
    where is_loaded
    group by trade_week
{%- endmacro %}

{# Every security listed in the sources. -#}
{% macro spine_security() -%}
    select
        board,
        count(*) as row_count,
    from {{ ref("stg_security") }}
    group by board
{%- endmacro %}

{# Every membership of a published system. -#}
{% macro spine_industry_member() -%}
    select
        industry_system,
        count(*) as row_count,
    from {{ ref("stg_industry_member") }}
    where industry_system in ('citic1', 'pool32', 'shenwan1')
    group by industry_system
{%- endmacro %}

{# Every industry of the seed. -#}
{% macro spine_industry() -%}
    select
        industry_system,
        count(*) as row_count,
    from {{ ref("industry") }}
    group by industry_system
{%- endmacro %}

{# Every strategy of the seed. -#}
{% macro spine_strategy() -%}
    select
        strategy_code,
        1 as row_count,
    from {{ ref("strategy") }}
{%- endmacro %}

{#
    A full list for the end of every complete period that has scores of as many assets
    with prices as the list has seats.
-#}
{% macro spine_rotation_holding() -%}
    select
        strategy.strategy_code,
        score.signal_date,
        coalesce(
            strategy.top_n,
            (count(*) + strategy.layer_count - 1) // strategy.layer_count
        ) as row_count,
    from {{ ref("strategy") }} as strategy
    inner join {{ ref("int_strategy_score") }} as score
        on
            strategy.score_source = score.score_source
            and strategy.variant = score.variant
            and strategy.asset_type = score.asset_type
            and strategy.asset_pool = score.asset_pool
    inner join {{ ref("int_trading_day") }} as trading_day
        on
            score.signal_date = trading_day.trade_date
            and trading_day.is_loaded
            and case strategy.frequency
                when 'daily' then true
                when 'weekly'
                    then trading_day.is_week_end and trading_day.is_week_complete
                when 'biweekly'
                    then
                        trading_day.is_week_end
                        and trading_day.is_week_complete
                        and {{
                            is_biweek_end(
                                "trading_day.trade_date", "trading_day.next_trade_week"
                            )
                        }}
                when 'monthly'
                    then trading_day.is_month_end and trading_day.is_month_complete
            end
    left join (
        select
            asset_type,
            asset_pool,
            asset_code,
            min(trade_date) as first_date,
        from {{ ref("int_asset_return_daily") }}
        group by asset_type, asset_pool, asset_code
    ) as priced_asset
        on
            strategy.asset_type = priced_asset.asset_type
            and strategy.asset_pool = priced_asset.asset_pool
            and score.asset_code = priced_asset.asset_code
    where
        (strategy.asset_type = 'stock' or score.signal_date >= priced_asset.first_date)
        and score.score is not null
        and not list_contains(
            string_split(coalesce(strategy.excluded_assets, ''), '|'),
            score.asset_code
        )
    group by
        strategy.strategy_code,
        score.signal_date,
        strategy.top_n,
        strategy.layer_count
    having count(*) >= coalesce(strategy.top_n, strategy.layer_count)
    union all
    select
        portfolio.strategy_code,
        portfolio.signal_date,
        count(*) as row_count,
    from {{ ref("stg_portfolio_weight") }} as portfolio
    semi join {{ ref("int_strategy") }} as benchmarked
        on portfolio.strategy_code = benchmarked.strategy_code
    group by portfolio.strategy_code, portfolio.signal_date
{%- endmacro %}

{# Every portfolio of an index enhancement; of one that was given up none. -#}
{% macro spine_enhancement_portfolio() -%}
    select
        portfolio.strategy_code,
        count(distinct portfolio.signal_date) as row_count,
    from {{ ref("stg_portfolio_weight") }} as portfolio
    semi join {{ ref("int_enhancement") }} as enhancement
        on portfolio.strategy_code = enhancement.strategy_code
    group by portfolio.strategy_code
{%- endmacro %}

{# Every loaded day since a strategy's first execution. -#}
{% macro spine_rotation_return_daily() -%}
    {{ executed_spine("trading_day.trade_date") }}
{%- endmacro %}

{# Every complete week since the one of a strategy's first execution. -#}
{% macro spine_rotation_return_weekly() -%}
    {{ executed_spine("trading_day.trade_week", "trading_day.is_week_complete") }}
{%- endmacro %}

{# Every year since a strategy's first execution. -#}
{% macro spine_rotation_year() -%}
    {{ executed_spine("year(trading_day.trade_date)") }}
{%- endmacro %}

{% macro executed_spine(counted, condition="true") -%}
    select
        first_execution.strategy_code,
        count(distinct {{ counted }}) as row_count,
    from (
        select
            strategy_code,
            min(execution_date) as execution_date,
        from {{ ref("int_rotation_rebalance") }}
        group by strategy_code
    ) as first_execution
    inner join {{ ref("int_trading_day") }} as trading_day
        on first_execution.execution_date <= trading_day.trade_date
    where
        trading_day.is_loaded
        and {{ condition }}
    group by first_execution.strategy_code
{%- endmacro %}

{# Every security of the panel on the last day of a complete week. -#}
{% macro spine_style_factor_weekly() -%}
    select
        trading_day.trade_week,
        count(*) as row_count,
    from {{ ref("int_security_price_day") }} as price_day
    inner join {{ ref("int_trading_day") }} as trading_day
        on price_day.trade_date = trading_day.trade_date
    where
        trading_day.is_week_end
        and trading_day.is_week_complete
        and {{ in_build_window("trading_day.trade_week") }}
    group by trading_day.trade_week
{%- endmacro %}

{# Every value that the wide panels hold. -#}
{% macro spine_factor_value_weekly() -%}
    select
        factor_code,
        trade_week,
        row_count,
    from (
        {% for panel in factor_panels() -%}
        {{ "union all" if not loop.first }}
        select
            trade_week,
            unnest([
                {%- for factor in panel.factors %}
                '{{ factor }}'{{ "," if not loop.last }}
                {%- endfor %}
            ]) as factor_code,
            unnest([
                {%- for factor in panel.factors %}
                count({{ factor }}){{ "," if not loop.last }}
                {%- endfor %}
            ]) as row_count,
        from {{ ref(panel.model) }}
        where {{ in_build_window("trade_week") }}
        group by trade_week
        {% endfor %}
    ) as counted
    where row_count > 0
{%- endmacro %}

{# Every stock with a bar with a trade in the sessions. -#}
{% macro spine_high_frequency_factor_daily() -%}
    select
        trade_date,
        count(distinct security_code) as row_count,
    from {{ ref("int_minute_bar") }}
    where
        is_active
        and session_minute is not null
        and {{ in_build_window("bar_time") }}
    group by trade_date
{%- endmacro %}

{# Every factor of the seed. -#}
{% macro spine_factor() -%}
    select
        factor_code,
        1 as row_count,
    from {{ ref("factor") }}
{%- endmacro %}

{# All models, available or not. -#}
{% macro spine_model() -%}
    select
        model_code,
        1 as row_count,
    from {{ ref("model") }}
    union all
    select
        model_code,
        1 as row_count,
    from {{ ref("score_fusion") }}
    group by model_code
{%- endmacro %}

{# As many seats as there are eligible shares with a cap, up to the index's number. -#}
{% macro spine_microcap_member() -%}
    select
        security_day.trade_date,
        least(any_value(microcap_index.member_count), count(*)) as row_count,
    from {{ ref("int_security_day") }} as security_day
    inner join {{ ref("microcap_index") }} as microcap_index
        on
            microcap_index.index_code = 'microcap400'
            and list_contains(
                string_split(microcap_index.boards, '|'), security_day.board
            )
            and security_day.listed_days > microcap_index.minimum_listed_days
    anti join (
        select
            trade_date,
            security_code,
        from {{ ref("int_tradability_day") }}
        where
            (is_st or is_delisting_period)
            and {{ in_build_window("trade_date") }}
    ) as special
        on
            security_day.trade_date = special.trade_date
            and security_day.security_code = special.security_code
    inner join {{ ref("int_trading_day") }} as trading_day
        on security_day.trade_date = trading_day.trade_date
    where
        trading_day.is_loaded
        and security_day.total_cap_cny is not null
        and {{ in_build_window("security_day.trade_date") }}
    group by security_day.trade_date
{%- endmacro %}

{# Every loaded day of the panel, for every index of the seed. -#}
{% macro spine_microcap_index_daily() -%}
    select
        microcap_index.index_code,
        count(*) as row_count,
    from {{ ref("microcap_index") }} as microcap_index
    cross join {{ ref("int_trading_day") }} as trading_day
    where
        trading_day.is_loaded
        and trading_day.trade_date >= (
            select min(security_day.trade_date)
            from {{ ref("int_security_price_day") }} as security_day
        )
    group by microcap_index.index_code
{%- endmacro %}

{# Every loaded day since a basket's first member. -#}
{% macro spine_microcap_diffusion_daily() -%}
    select
        basket.index_code,
        count(*) as row_count,
    from (
        select
            index_code,
            min(trade_date) as first_date,
        from {{ ref("int_basket_count_daily") }}
        group by index_code
    ) as basket
    inner join {{ ref("int_trading_day") }} as trading_day
        on basket.first_date <= trading_day.trade_date
    where trading_day.is_loaded
    group by basket.index_code
{%- endmacro %}

{# All cells of the grid on each day on which a member of the basket is listed. -#}
{% macro spine_microcap_critical_grid() -%}
    {%- set grid = var("critical_grid") -%}
    select
        member.index_code,
        member.trade_date,
        any_value(
            {{ grid.longest_days - grid.shortest_days + 1 }}
            * {{ grid.highest_percent - grid.lowest_percent + 1 }}
        ) as row_count,
    from {{ ref("int_basket_member") }} as member
    inner join {{ ref("int_security_price_day") }} as security_day
        on
            member.trade_date = security_day.trade_date
            and member.security_code = security_day.security_code
    where
        {{ in_build_window("member.trade_date") }}
        and {{ in_build_window("security_day.trade_date") }}
    group by member.index_code, member.trade_date
{%- endmacro %}

{# Every change of a machine's state. -#}
{% macro spine_microcap_signal() -%}
    select
        index_code,
        method,
        count(*) as row_count,
    from (
        select
            index_code,
            method,
            is_full <> lag(is_full, 1, true) over (
                partition by index_code, method order by trade_date
            ) as has_changed,
        from {{ ref("int_timing_state_daily") }}
    ) as state
    where has_changed
    group by index_code, method
{%- endmacro %}

{# Every method and ratio, on each day on which a basket has a diffusion index. -#}
{% macro spine_signal_outlook() -%}
    {%- set grid = var("critical_grid") -%}
    select
        index_code,
        trade_date,
        3 * {{ grid.highest_percent - grid.lowest_percent + 1 }} as row_count,
    from {{ ref("int_basket_diffusion_daily") }}
    where
        diffusion_index is not null
        and {{ in_build_window("trade_date") }}
{%- endmacro %}

{# Every loaded day from the first one after the first trade on. -#}
{% macro spine_microcap_timing_daily() -%}
    {{ timed_spine(ref("int_timing_state_daily"), ["tradable", "paper"]) }}
{%- endmacro %}

{% macro spine_diffusion_timing_daily() -%}
    select
        index_code,
        method,
        row_count,
    from (
        {{ timed_spine(ref("int_diffusion_timing_state_daily"), ["tradable"]) }}
    ) as timed
{%- endmacro %}

{% macro timed_spine(state, variants) -%}
    {% for variant in variants -%}
    select
        machine.index_code,
        machine.method,
        '{{ variant }}' as variant,
        count(*) - {% if variant == "tradable" %}2{% else %}1{% endif %} as row_count,
    from (
        select
            index_code,
            method,
            min(trade_date) as first_date,
        from {{ state }}
        group by index_code, method
    ) as machine
    inner join {{ ref("int_trading_day") }} as trading_day
        on machine.first_date <= trading_day.trade_date
    where trading_day.is_loaded
    group by machine.index_code, machine.method
    having count(*) > {% if variant == "tradable" %}2{% else %}1{% endif %}
    {% if not loop.last -%}
    union all
    {% endif -%}
    {% endfor -%}
{%- endmacro %}

{# Every year with a return of the index after the first trade, the index included. -#}
{% macro spine_microcap_timing_year() -%}
    {{ timing_spine("year(index_return.trade_date)") }}
{%- endmacro %}

{% macro timing_spine(counted, condition="true") -%}
    select
        state.index_code,
        state.method,
        variant.variant,
        count(distinct {{ counted }}) as row_count,
    from (
        select
            index_code,
            method,
            min(trade_date) as first_date,
        from {{ ref("int_timing_state_daily") }}
        group by index_code, method
        union all
        select
            index_code,
            'index' as method,
            min(trade_date) as first_date,
        from {{ ref("int_timing_state_daily") }}
        group by index_code
    ) as state
    inner join {{ ref("int_trading_day") }} as first_day
        on state.first_date = first_day.trade_date
    cross join (values ('tradable', 2), ('paper', 1)) as variant (variant, waiting_days)
    inner join {{ ref("int_trading_day") }} as trading_day
        on first_day.day_index + variant.waiting_days <= trading_day.day_index
    inner join {{ ref("int_basket_return_daily") }} as index_return
        on
            state.index_code = index_return.index_code
            and trading_day.trade_date = index_return.trade_date
    where
        index_return.index_return is not null
        and {{ condition }}
    group by state.index_code, state.method, variant.variant
{%- endmacro %}

{# Every day on which an index has members. -#}
{% macro spine_microcap_dashboard() -%}
    select
        index_code,
        count(distinct trade_date) as row_count,
    from {{ ref("int_microcap_member") }}
    group by index_code
{%- endmacro %}

{# Every complete week since a strategy's first execution or a timing's first day. -#}
{% macro spine_net_value_weekly() -%}
    select
        strategy_code as curve_code,
        row_count,
    from (
        {{ spine_rotation_return_weekly() }}
    ) as executed
    union all
    select
        concat_ws(':', index_code, method, variant) as curve_code,
        row_count,
    from (
        {{ timing_spine("trading_day.trade_week", "trading_day.is_week_complete") }}
    ) as timed
{%- endmacro %}

{# Every complete week. -#}
{% macro spine_complete_week() -%}
    select
        trade_week,
        1 as row_count,
    from {{ ref("int_trading_day") }}
    where is_week_complete
    group by trade_week
{%- endmacro %}

{# Every rule in every year since a strategy's first execution. -#}
{% macro spine_rule_ledger() -%}
    select
        executed.strategy_code,
        rule.rule_off,
        executed.row_count,
    from (
        {{ executed_spine("year(trading_day.trade_date)") }}
    ) as executed
    cross join (
        select unnest([{{ "'" ~ ledger_rules() | join("', '") ~ "'" }}]) as rule_off
    ) as rule
{%- endmacro %}

{# Every weekday, and every month of the year, in which an index has returns. -#}
{% macro spine_calendar_effect() -%}
    select
        index_code,
        'weekday' as effect,
        count(distinct isodow(trade_date)) as row_count,
    from {{ ref("int_microcap_index_daily") }}
    where index_return is not null
    group by index_code
    union all
    select
        month_day.index_code,
        'month' as effect,
        count(distinct month(month_day.trade_month_end)) as row_count,
    from (
        select
            index_day.index_code,
            trading_day.trade_month_end,
        from {{ ref("int_microcap_index_daily") }} as index_day
        inner join {{ ref("int_trading_day") }} as trading_day
            on index_day.trade_date = trading_day.trade_date
        where trading_day.is_month_complete
        group by index_day.index_code, trading_day.trade_month_end
        having
            count(index_day.index_return) = (
                select count(*)
                from {{ ref("int_trading_day") }} as month_of
                where month_of.trade_month_end = trading_day.trade_month_end
            )
    ) as month_day
    group by month_day.index_code
{%- endmacro %}

{# Ten groups in every complete week whose week before has market caps, of ten at least. -#}
{% macro spine_size_group_week() -%}
    select
        trading_day.trade_week,
        least(count(*), 10) as row_count,
    from {{ ref("int_trading_day") }} as trading_day
    inner join {{ ref("int_security_day") }} as security_day
        on trading_day.previous_trade_week = security_day.trade_date
    where
        trading_day.is_week_end
        and trading_day.is_week_complete
        and security_day.total_cap_cny is not null
        and {{ in_build_window("trading_day.trade_week") }}
    group by trading_day.trade_week
{%- endmacro %}

{# Every index with a level at the ends of a complete week and of the week before. -#}
{% macro spine_index_rank_week() -%}
    select
        trading_day.trade_week,
        count(*) as row_count,
    from {{ ref("int_trading_day") }} as trading_day
    inner join {{ ref("int_broad_index_level") }} as level
        on trading_day.trade_week = level.trade_date
    semi join {{ ref("int_broad_index_level") }} as level_before
        on
            level.index_code = level_before.index_code
            and trading_day.previous_trade_week = level_before.trade_date
    where
        trading_day.is_week_end
        and trading_day.is_week_complete
    group by trading_day.trade_week
{%- endmacro %}

{# Every universe of factor tests. -#}
{% macro spine_factor_universe() -%}
    select
        unnest([
            {%- for universe in factor_universes() %}
            '{{ universe }}'{{ "," if not loop.last }}
            {%- endfor %}
        ]) as universe,
        1 as row_count,
{%- endmacro %}

{# Every factor that a stock of the universe has together with a return. -#}
{% macro spine_factor_ic_weekly() -%}
    {{ tested_factor_spine(1) }}
{%- endmacro %}

{# All layers of these, full or empty. -#}
{% macro spine_factor_layer_weekly() -%}
    {{ tested_factor_spine(var("factor_layers")) }}
{%- endmacro %}

{% macro tested_factor_spine(rows_per_factor) -%}
    select
        universe,
        trade_week,
        cast({{ rows_per_factor }} * sum(factor_count) as bigint) as row_count,
    from (
        {% for panel in tested_factor_panels() -%}
        {{ "union all" if not loop.first }}
        select
            universe_return.universe,
            universe_return.trade_week,
            0
            {%- for factor in panel.factors %}
            + cast(
                coalesce(bool_or(isfinite(panel.{{ factor }})), false) as integer
            )
            {%- endfor %} as factor_count,
        from {{ ref("int_universe_return_weekly") }} as universe_return
        inner join {{ ref(panel.model) }} as panel
            on
                universe_return.factor_week = panel.trade_week
                and universe_return.security_code = panel.security_code
        where {{ in_build_window("universe_return.trade_week") }}
        group by universe_return.universe, universe_return.trade_week
        {% endfor -%}
    ) as counted
    group by universe, trade_week
    having sum(factor_count) > 0
{%- endmacro %}

{# All years, the whole, and what the last complete week, its month and its year hold. -#}
{% macro spine_factor_ic_summary() -%}
    select
        ic.universe,
        ic.factor_code,
        count(distinct year(ic.trade_week))
        + 1
        + cast(max(ic.trade_week) = last_week.last_week as integer)
        + cast(
            date_trunc('month', max(ic.trade_week))
            = date_trunc('month', last_week.last_week) as integer
        )
        + cast(
            year(max(ic.trade_week)) = year(last_week.last_week) as integer
        ) as row_count,
    from {{ ref("fct_factor_ic_weekly") }} as ic
    cross join (
        select max(trading_day.trade_week) as last_week,
        from {{ ref("int_trading_day") }} as trading_day
        where trading_day.is_week_complete
    ) as last_week
    group by ic.universe, ic.factor_code, last_week.last_week
{%- endmacro %}

{# Every horizon over which a factor could be followed. -#}
{% macro spine_factor_ic_decay() -%}
    select
        universe,
        factor_code,
        count(distinct horizon_weeks) as row_count,
    from (
        select
            universe,
            factor_code,
            1 as horizon_weeks,
        from {{ ref("fct_factor_ic_weekly") }}
        union all
        select
            universe,
            factor_code,
            horizon_weeks,
        from {{ ref("int_factor_decay_weekly") }}
    ) as followed
    group by universe, factor_code
{%- endmacro %}

{# Every factor tested in the micro-cap index. -#}
{% macro spine_microcap_factor_ic() -%}
    select
        trade_week,
        count(*) as row_count,
    from {{ ref("fct_factor_ic_weekly") }}
    where universe = 'microcap'
    group by trade_week
{%- endmacro %}

{# Every factor with a rank IC, in each universe. -#}
{% macro spine_factor_scorecard() -%}
    select
        universe,
        count(distinct factor_code) as row_count,
    from {{ ref("fct_factor_ic_weekly") }}
    group by universe
{%- endmacro %}

{# All layers of the factors tested in the year of the last complete week. -#}
{% macro spine_factor_layer_to_date() -%}
    select
        universe,
        {{ var("factor_layers") }} * count(distinct factor_code) as row_count,
    from {{ ref("fct_factor_ic_weekly") }}
    where
        year(trade_week) = (
            select year(max(trading_day.trade_week)),
            from {{ ref("int_trading_day") }} as trading_day
            where trading_day.is_week_complete
        )
    group by universe
{%- endmacro %}

{# Every fund. -#}
{% macro spine_etf() -%}
    select
        coalesce(etf_class, 'unclassified') as etf_class,
        count(*) as row_count,
    from {{ ref("stg_etf") }}
    group by etf_class
{%- endmacro %}

{# Every fund with shares and a price. -#}
{% macro spine_etf_flow_daily() -%}
    select
        trade_date,
        count(*) as row_count,
    from ({{ valued_fund_day() }}) as fund_day
    group by trade_date
{%- endmacro %}

{# Every fund with both at the ends of a complete week and of the week before. -#}
{% macro spine_etf_flow_weekly() -%}
    select
        trade_week,
        count(*) as row_count,
    from ({{ valued_fund_week() }}) as fund_week
    group by trade_week
{%- endmacro %}

{# Every class of these funds. -#}
{% macro spine_etf_flow_class_weekly() -%}
    select
        fund_week.trade_week,
        count(distinct coalesce(etf.etf_class, 'unclassified')) as row_count,
    from ({{ valued_fund_week() }}) as fund_week
    left join {{ ref("stg_etf") }} as etf on fund_week.etf_code = etf.etf_code
    group by fund_week.trade_week
{%- endmacro %}

{% macro valued_fund_day() -%}
    select
        bar.etf_code,
        bar.trade_date,
        trading_day.trade_week,
        trading_day.previous_trade_week,
        trading_day.is_week_complete,
    from {{ ref("stg_etf_bar") }} as bar
    semi join {{ ref("stg_etf_share") }} as share
        on
            bar.etf_code = share.etf_code
            and bar.trade_date = share.trade_date
    inner join {{ ref("int_trading_day") }} as trading_day
        on bar.trade_date = trading_day.trade_date
    where trading_day.is_loaded
{%- endmacro %}

{% macro valued_fund_week() -%}
    select
        at_end.etf_code,
        at_end.trade_week,
    from ({{ valued_fund_day() }}) as at_end
    semi join ({{ valued_fund_day() }}) as at_start
        on
            at_end.etf_code = at_start.etf_code
            and at_end.previous_trade_week = at_start.trade_date
    where
        at_end.trade_date = at_end.trade_week
        and at_end.is_week_complete
{%- endmacro %}

{# Every industry with a balance of a member, on the day or on the one before. -#}
{% macro spine_margin_flow_daily() -%}
    select
        industry_system,
        trade_date,
        count(distinct industry_code) as row_count,
    from (
        select
            member.industry_system,
            member.industry_code,
            posted.trade_date,
        from (
            select
                trade_date,
                unnest([trade_date, previous_date]) as balance_date,
            from ({{ margin_days() }}) as margin_day
        ) as posted
        inner join {{ ref("stg_margin_balance") }} as margin
            on posted.balance_date = margin.trade_date
        inner join ({{ open_ended_industry_member() }}) as member
            on
                margin.security_code = member.security_code
                and posted.trade_date >= member.valid_from
                and posted.trade_date < member.valid_to
        where margin.financing_balance_cny is not null
        union all
        select
            industry.industry_system,
            {{ market_code() }} as industry_code,
            margin.trade_date,
        from {{ ref("stg_margin_balance") }} as margin
        inner join {{ ref("int_trading_day") }} as trading_day
            on margin.trade_date = trading_day.trade_date
        left join ({{ margin_days() }}) as margin_day
            on margin.trade_date = margin_day.trade_date
        cross join {{ ref("industry") }} as industry
        where
            trading_day.is_loaded
            and margin.financing_balance_cny is not null
            and (
                margin.security_code = {{ market_code() }}
                or margin_day.trade_date is not null
            )
    ) as balance
    group by industry_system, trade_date
{%- endmacro %}

{% macro margin_days() -%}
    select
        trade_date,
        previous_date,
    from {{ ref("int_margin_flow_daily") }}
    where
        industry_code = {{ market_code() }}
        and balance_source = 'securities'
    group by trade_date, previous_date
{%- endmacro %}

{# The same in complete weeks with a figure of the market at both ends. -#}
{% macro spine_margin_flow_weekly() -%}
    select
        flow.industry_system,
        trading_day.trade_week,
        count(distinct flow.industry_code) as row_count,
    from {{ ref("int_margin_flow_daily") }} as flow
    inner join {{ ref("int_trading_day") }} as trading_day
        on flow.trade_date = trading_day.trade_date
    semi join {{ ref("int_margin_flow_daily") }} as at_end
        on
            flow.balance_source = at_end.balance_source
            and trading_day.trade_week = at_end.trade_date
            and at_end.industry_code = {{ market_code() }}
    semi join {{ ref("int_margin_flow_daily") }} as at_start
        on
            flow.balance_source = at_start.balance_source
            and trading_day.previous_trade_week = at_start.trade_date
            and at_start.industry_code = {{ market_code() }}
    where trading_day.is_week_complete
    group by flow.industry_system, trading_day.trade_week
{%- endmacro %}

{# Every day on which a stock without special treatment closed at its upper limit. -#}
{% macro spine_limit_up_stock_daily() -%}
    select
        tradability.trade_date,
        count(*) as row_count,
    from {{ ref("int_tradability_day") }} as tradability
    inner join {{ ref("int_trading_day") }} as trading_day
        on tradability.trade_date = trading_day.trade_date
    where
        trading_day.is_loaded
        and tradability.closes_at_limit_up
        and not tradability.is_st
    group by tradability.trade_date
{%- endmacro %}

{# Every industry with a listed member, and the market, since limits are known. -#}
{% macro spine_limit_up_daily() -%}
    select
        industry.industry_system,
        limited_day.trade_date,
        1 + count(member_count.industry_code) as row_count,
    from (
        select trade_date,
        from {{ ref("int_tradability_day") }}
        where limit_up_cny is not null
        group by trade_date
    ) as limited_day
    inner join {{ ref("int_trading_day") }} as trading_day
        on limited_day.trade_date = trading_day.trade_date
    cross join (
        select industry_system,
        from {{ ref("industry") }}
        group by industry_system
    ) as industry
    left join {{ ref("int_industry_member_count") }} as member_count
        on
            industry.industry_system = member_count.industry_system
            and limited_day.trade_date = member_count.trade_date
            and member_count.listed_count > 0
    where trading_day.is_loaded
    group by industry.industry_system, limited_day.trade_date
{%- endmacro %}

{# Every factor in both blends, in every week that has values of any. -#}
{% macro spine_factor_blend_weight_weekly() -%}
    select
        trade_week,
        {{ 2 * high_frequency_factors() | length }} as row_count,
    from {{ ref("int_neutral_high_frequency_factor_weekly") }}
    group by trade_week
{%- endmacro %}

{#
    Every number that a model gave for a listed stock at the end of a complete week; of a
    fusion, every stock that counts and has all parts, where each part has scores enough
    that are not all the same.
-#}
{% macro spine_stock_score_weekly() -%}
    with given as (
        select
            model_code,
            trade_week,
            security_code,
            score,
        from {{ ref("stg_model_score") }}
        where isfinite(score)
        union all
        select
            model_code,
            trade_week,
            security_code,
            score,
        from {{ ref("int_factor_blend_weekly") }}
    ),

    scored as (
        select
            given.model_code,
            given.trade_week,
            given.security_code,
            given.score,
            universe.is_in_all,
        from given
        inner join {{ ref("int_factor_universe_weekly") }} as universe
            on
                given.trade_week = universe.trade_week
                and given.security_code = universe.security_code
        where {{ in_build_window("given.trade_week") }}
    ),

    standard_week as (
        select
            model_code,
            trade_week,
        from scored
        where is_in_all
        group by model_code, trade_week
        having
            count(*) >= {{ var("score_minimum_stocks") }}
            and min(score) < max(score)
    ),

    part as (
        select
            fusion.model_code,
            scored.trade_week,
            scored.security_code,
            count(*) as found_count,
            any_value(fusion.part_count) as part_count,
        from scored
        semi join standard_week
            on
                scored.model_code = standard_week.model_code
                and scored.trade_week = standard_week.trade_week
        inner join (
            select
                model_code,
                part_code,
                count(*) over (partition by model_code) as part_count,
            from {{ ref("score_fusion") }}
        ) as fusion
            on scored.model_code = fusion.part_code
        where scored.is_in_all
        group by fusion.model_code, scored.trade_week, scored.security_code
    )

    select
        model_code,
        trade_week,
        count(*) as row_count,
    from scored
    group by model_code, trade_week
    union all
    select
        model_code,
        trade_week,
        count(*) as row_count,
    from part
    where found_count = part_count
    group by model_code, trade_week
{%- endmacro %}

{# Every model and industry with a member that has a standard score and a float cap. -#}
{% macro spine_industry_score_weekly() -%}
    select
        industry_system,
        trade_week,
        count(*) as row_count,
    from (
        select
            score.model_code,
            member.industry_system,
            member.industry_code,
            score.trade_week,
        from {{ ref("int_stock_score_weekly") }} as score
        inner join {{ ref("int_security_day") }} as security_day
            on
                score.trade_week = security_day.trade_date
                and score.security_code = security_day.security_code
        inner join {{ ref("int_industry_member") }} as member
            on
                score.security_code = member.security_code
                and score.trade_week >= member.valid_from
                and score.trade_week < coalesce(member.valid_to, date '9999-12-31')
        where
            score.z_score is not null
            and security_day.float_cap_cny is not null
        group by
            score.model_code,
            member.industry_system,
            member.industry_code,
            score.trade_week
    ) as scored
    group by industry_system, trade_week
{%- endmacro %}

{# Every model and index with a member that has a standard score and a weight. -#}
{% macro spine_index_score_weekly() -%}
    select
        index_class,
        trade_week,
        count(*) as row_count,
    from (
        select
            score.model_code,
            member.index_class,
            member.index_code,
            score.trade_week,
        from {{ ref("int_stock_score_weekly") }} as score
        inner join {{ ref("int_index_weight_weekly") }} as member
            on
                score.trade_week = member.trade_week
                and score.security_code = member.security_code
        where
            score.z_score is not null
            and member.index_class in ({{ "'" ~ var("score_index_classes") | join("', '") ~ "'" }})
        group by
            score.model_code,
            member.index_class,
            member.index_code,
            score.trade_week
    ) as scored
    group by index_class, trade_week
{%- endmacro %}

{# Every week in which two parts of a fusion have a standard score of the same stock. -#}
{% macro spine_score_correlation_weekly() -%}
    select
        model_code,
        trade_week,
        count(distinct other_model_code) as row_count,
    from (
        select
            score.model_code,
            other.model_code as other_model_code,
            score.trade_week,
        from {{ ref("score_fusion") }} as part
        inner join {{ ref("score_fusion") }} as other_part
            on
                part.model_code = other_part.model_code
                and part.part_code < other_part.part_code
        inner join {{ ref("int_stock_score_weekly") }} as score
            on part.part_code = score.model_code
        inner join {{ ref("int_stock_score_weekly") }} as other
            on
                other_part.part_code = other.model_code
                and score.trade_week = other.trade_week
                and score.security_code = other.security_code
                and other.z_score is not null
        where score.z_score is not null
    ) as paired
    group by model_code, trade_week
{%- endmacro %}

{# Every model with a score of a week that is followed by enough loaded days. -#}
{% macro spine_model_ic_weekly() -%}
    select
        score.trade_week,
        count(distinct score.model_code) as row_count,
    from {{ ref("int_stock_score_weekly") }} as score
    inner join {{ ref("int_trading_day") }} as score_day
        on score.trade_week = score_day.trade_date
    inner join {{ ref("int_trading_day") }} as last_day
        on
            score_day.day_index + 1 + {{ var("score_return_days") }}
            = last_day.day_index
    inner join {{ ref("int_security_day") }} as first_price
        on
            score.security_code = first_price.security_code
            and score_day.day_index + 1 = first_price.day_index
    where
        last_day.is_loaded
        and score.is_counted
    group by score.trade_week
{%- endmacro %}

{# All years with an IC, the whole, and the year to date where it has one. -#}
{% macro spine_model_ic_summary() -%}
    select
        model_code,
        count(distinct year(trade_week))
        + 1
        + cast(
            max(year(trade_week)) = any_value(last_year) as integer
        ) as row_count,
    from (
        select
            model_code,
            trade_week,
            rank_ic,
            max(year(trade_week)) over () as last_year,
        from {{ ref("fct_model_ic_weekly") }}
    ) as ic
    where rank_ic is not null
    group by model_code
{%- endmacro %}

{#
    Scores of reports that count, by the training that scored last and those like it. What
    is not scored is counted in fct_report_rule_yearly: no refresh need score.
-#}
{% macro spine_text_score() -%}
    select
        score.encoder_code,
        greatest(report.known_date, score.known_date) as known_date,
        count(*) as row_count,
    from {{ ref("stg_text_score") }} as score
    inner join {{ ref("stg_text_run") }} as run on score.run_id = run.run_id
    inner join {{ ref("int_report") }} as report on score.report_id = report.report_id
    where
        report.excluded_reason is null
        and run.text_model = (
            select arg_max(other_run.text_model, other.load_id),
            from {{ ref("stg_text_score") }} as other
            inner join {{ ref("stg_text_run") }} as other_run
                on other.run_id = other_run.run_id
            semi join {{ ref("int_report") }} as used
                on
                    other.report_id = used.report_id
                    and used.excluded_reason is null
            where other.encoder_code = score.encoder_code
        )
    group by score.encoder_code, greatest(report.known_date, score.known_date)
{%- endmacro %}

{# Sentences are weighed of new reports only: what was loaded is what there is. -#}
{% macro spine_text_sentence() -%}
    select
        encoder_code,
        known_date,
        count(*) as row_count,
    from {{ ref("stg_text_sentence") }} as sentence
    semi join {{ ref("int_text_score") }} as same_words
        on
            sentence.encoder_code = same_words.encoder_code
            and sentence.report_id = same_words.report_id
            and sentence.text_hash = same_words.text_hash
            and coalesce(sentence.run_id, same_words.run_id) = same_words.run_id
    where
        known_date > (
            select max(score.known_date) - {{ var("text_sentence_days") }}
            from {{ ref("int_text_score") }} as score
            where score.encoder_code = sentence.encoder_code
        )
    group by encoder_code, known_date
{%- endmacro %}

{# Three classes of each year with a scored report whose return has come. -#}
{% macro spine_text_calibration() -%}
    select
        score.encoder_code,
        cast(year(score.known_date) as integer) as year,
        3 as row_count,
    from {{ ref("int_text_score") }} as score
    semi join {{ ref("int_report_forward_return") }} as label
        on score.report_id = label.report_id
    group by score.encoder_code, year(score.known_date)
{%- endmacro %}

{# Stocks with a scored report in the window that count and trade at the month's end. -#}
{% macro spine_text_factor_monthly() -%}
    select
        score.encoder_code,
        month_end.trade_date as trade_month_end,
        count(distinct score.security_code) as row_count,
    from {{ ref("int_trading_day") }} as month_end
    inner join {{ ref("int_text_score") }} as score
        on
            month_end.trade_date >= score.known_date
            and score.known_date
            > month_end.trade_date - interval {{ var("text_factor_months") }} month
    inner join {{ ref("stg_daily_bar") }} as bar
        on
            month_end.trade_date = bar.trade_date
            and score.security_code = bar.security_code
    asof join (
        select trade_date as factor_week,
        from {{ ref("int_trading_day") }}
        where
            is_week_end
            and is_week_complete
    ) as week on month_end.trade_date >= week.factor_week
    semi join {{ ref("int_factor_universe_weekly") }} as universe
        on
            week.factor_week = universe.trade_week
            and score.security_code = universe.security_code
            and universe.is_in_all
    where
        month_end.is_month_end
        and month_end.is_month_complete
        and {{ is_traded() }}
    group by score.encoder_code, month_end.trade_date
{%- endmacro %}

{#
    Every outcome and every verdict that some report of the year has, the four rules on
    words, and what each encoder that scores has not scored.
-#}
{% macro spine_report_rule_yearly() -%}
    select
        cast(year(published_at) as integer) as year,
        4
        + (select count(distinct encoder_code), from {{ ref("int_text_score") }})
        + count(distinct coalesce(excluded_reason, 'used'))
        + count(distinct adjustment_source || adjustment) as row_count,
    from {{ ref("int_report") }}
    group by year(published_at)
{%- endmacro %}
