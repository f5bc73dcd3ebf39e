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
    {%- elif name == "rotation_return_daily" -%}{{ spine_rotation_return_daily() }}
    {%- elif name == "rotation_return_weekly" -%}{{ spine_rotation_return_weekly() }}
    {%- elif name == "rotation_year" -%}{{ spine_rotation_year() }}
    {%- elif name == "style_factor_weekly" -%}{{ spine_style_factor_weekly() }}
    {%- elif name == "factor_value_weekly" -%}{{ spine_factor_value_weekly() }}
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
        strategy.top_n as row_count,
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
    group by strategy.strategy_code, score.signal_date, strategy.top_n
    having count(*) >= strategy.top_n
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
        {%- endfor %}
    ) as counted
    where row_count > 0
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
    select
        state.index_code,
        state.method,
        variant.variant,
        count(distinct year(index_return.trade_date)) as row_count,
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
    where index_return.index_return is not null
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
        {{ rows_per_factor }} * factor_count as row_count,
    from (
        select
            universe_return.universe,
            universe_return.trade_week,
            0
            {%- for panel in factor_panels() %}
            {%- for factor in panel.factors %}
            + cast(
                coalesce(bool_or(isfinite({{ panel.model }}.{{ factor }})), false)
                as integer
            )
            {%- endfor %}
            {%- endfor %} as factor_count,
        from {{ ref("int_universe_return_weekly") }} as universe_return
        {% for panel in factor_panels() -%}
        left join {{ ref(panel.model) }} as {{ panel.model }}
            on
                universe_return.factor_week = {{ panel.model }}.trade_week
                and universe_return.security_code = {{ panel.model }}.security_code
        {% endfor -%}
        where {{ in_build_window("universe_return.trade_week") }}
        group by universe_return.universe, universe_return.trade_week
    ) as counted
    where factor_count > 0
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
