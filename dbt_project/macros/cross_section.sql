{#
    Aggregates of a cross-section that the position of a value in it needs: median, median
    absolute deviation and extremes. The rows are those of the universe: a condition on
    each aggregate instead would double the time.
-#}
{% macro spread_aggregates(column) -%}
        median({{ column }}) as {{ column }}_median,
        mad({{ column }}) as {{ column }}_deviation,
        min({{ column }}) as {{ column }}_minimum,
        max({{ column }}) as {{ column }}_maximum
{%- endmacro %}

{#
    Where a value lies in its cross-section: its distance from the median in median
    absolute deviations, held within `factor_winsor_deviations`. That is the winsorised
    value on another scale, on which sums are exact whatever the unit of the factor.
    Where more than half of the values are equal the deviation is zero: nothing is
    winsorised, and the largest distance is the unit; it is too where nothing is to be
    winsorised and a value lies more than a hundred deviations away. NULL of a constant.
-#}
{% macro cross_position(column, is_winsorised=true) -%}
    {%- set limit = var("factor_winsor_deviations") -%}
    {%- set distance -%} ({{ column }} - {{ column }}_median) {%- endset -%}
    {%- set largest -%}
    greatest(
        {{ column }}_maximum - {{ column }}_median,
        {{ column }}_median - {{ column }}_minimum
    )
    {%- endset -%}
    case
        -- Of a NULL and a number, least() and greatest() take the number.
        when {{ column }} is null then null
        {% if is_winsorised -%}
        when {{ column }}_deviation > 0
            then
                greatest(
                    least({{ distance }} / {{ column }}_deviation, {{ limit }}),
                    -{{ limit }}
                )
        {%- else -%}
        when 100 * {{ column }}_deviation > {{ largest }}
            then {{ distance }} / {{ column }}_deviation
        {%- endif %}
        when {{ column }}_maximum > {{ column }}_minimum
            then {{ distance }} / {{ largest }}
    end
{%- endmacro %}

{#
    Sum of numbers of the order of one, such as positions, standard scores and their
    products, that does not depend on the order of the rows: whole numbers of 1e-14 in 64
    bits. The square of a standard score is below the number of stocks, so that they hold.
-#}
{% macro score_sum(expression, condition=none) -%}
    cast(
        sum(cast(({{ expression }}) * 1e14 as bigint))
        {%- if condition %} filter (where {{ condition }}){% endif %} as double
    ) / 1e14
{%- endmacro %}

{#
    Mean and sample standard deviation of the positions of the universe; NULL below two
    rows.
-#}
{% macro position_aggregates(column) -%}
        {{ score_sum(column) }} / nullif(count({{ column }}), 0) as {{ column }}_mean,
        sqrt(
            greatest(
                {{ score_sum(column ~ " * " ~ column) }}
                - power({{ score_sum(column) }}, 2) / nullif(count({{ column }}), 0),
                0
            )
            / nullif(count({{ column }}) - 1, 0)
        ) as {{ column }}_std
{%- endmacro %}

{# Standard score of a position; NULL of a constant. -#}
{% macro cross_z_score(column) -%}
    ({{ column }} - {{ column }}_mean) / nullif({{ column }}_std, 0)
{%- endmacro %}

{#
    Whether a regression leaves anything: below a billionth of the variance what is left
    is the rounding of the arithmetic.
-#}
{% macro is_left(residual_squares, total_squares) -%}
    {{ residual_squares }} > 1e-9 * {{ total_squares }}
{%- endmacro %}

{#
    A wide panel with the standard scores of each factor over the universe `all` beside
    it (`_z_score`), and those of what industry and size leave of them
    (`_neutral_z_score`): the residual of the regression on dummies of the industry and
    the standard score of the log market cap, by demeaning within industries and one
    slope.

    A stock outside of the universe has a value only. Of the weeks of the build window, or
    of all with `is_windowed` false. Size leaves nothing of the factors in `sizes`, which
    are size itself: industry alone counts there.
-#}
{% macro neutral_panel(model, factors, is_windowed=true, sizes=[]) -%}
    {%- set is_in_window = in_build_window("trade_week") if is_windowed else "true" %}
    with panel as (
        select
            trade_week,
            security_code,
            {% for factor in factors -%}
            {{ factor }},
            {% endfor %}
        from {{ ref(model) }}
        where {{ is_in_window }}
    ),

    -- Of the weeks of the panel: one of minute bars may cover few of them, or none.
    capital as (
        select
            trade_week,
            security_code,
            log_market_cap,
        from {{ ref("int_style_factor_weekly") }}
        where
            {{ is_in_window }}
            and trade_week in (select panel.trade_week from panel)
    ),

    universe as (
        select
            trade_week,
            security_code,
        from {{ ref("int_factor_universe_weekly") }}
        where
            is_in_all
            and {{ is_in_window }}
            and trade_week in (select panel.trade_week from panel)
    ),

    membership as (
        select
            universe.trade_week,
            universe.security_code,
            member.industry_system,
            member.industry_code,
        from universe
        inner join {{ ref("int_industry_member") }} as member
            on
                universe.security_code = member.security_code
                and universe.trade_week >= member.valid_from
                and universe.trade_week
                < coalesce(member.valid_to, date '9999-12-31')
        where member.industry_system in ('citic1', 'shenwan1')
    ),

    -- CITIC from the first week on that a stock has an industry of it, Shenwan before.
    industry_system as (
        select
            trade_week,
            min(industry_system) as industry_system,
        from membership
        group by trade_week
    ),

    industry as (
        select
            membership.trade_week,
            membership.security_code,
            membership.industry_code,
        from membership
        inner join industry_system
            on
                membership.trade_week = industry_system.trade_week
                and membership.industry_system = industry_system.industry_system
    ),

    member as (
        select
            panel.*,
            capital.log_market_cap as cap,
            industry.industry_code,
        from panel
        inner join universe
            on
                panel.trade_week = universe.trade_week
                and panel.security_code = universe.security_code
        left join capital
            on
                panel.trade_week = capital.trade_week
                and panel.security_code = capital.security_code
        left join industry
            on
                panel.trade_week = industry.trade_week
                and panel.security_code = industry.security_code
    ),

    spread as (
        select
            trade_week,
            {% for column in factors + ["cap"] -%}
            {{ spread_aggregates(column) }},
            {% endfor %}
        from member
        group by trade_week
    ),

    position_in_week as (
        select
            member.trade_week,
            member.security_code,
            member.industry_code,
            {% for column in factors + ["cap"] -%}
            {{ cross_position(column) }} as {{ column }},
            {% endfor %}
        from member
        inner join spread on member.trade_week = spread.trade_week
    ),

    position_moment as (
        select
            trade_week,
            {% for column in factors + ["cap"] -%}
            {{ position_aggregates(column) }},
            {% endfor %}
        from position_in_week
        group by trade_week
    ),

    score as (
        select
            position_in_week.trade_week,
            position_in_week.security_code,
            position_in_week.industry_code,
            {% for column in factors + ["cap"] -%}
            {{ cross_z_score(column) }} as {{ column }},
            {% endfor %}
        from position_in_week
        inner join position_moment
            on position_in_week.trade_week = position_moment.trade_week
    ),

    industry_moment as (
        select
            trade_week,
            industry_code,
            {% for factor in factors -%}
            count({{ factor }}) as {{ factor }}_n,
            {{ score_sum(factor) }} as {{ factor }}_y,
            {{ score_sum("cap", factor ~ " is not null") }} as {{ factor }}_x,
            {{ score_sum(factor ~ " * " ~ factor) }} as {{ factor }}_yy,
            {{ score_sum("cap * " ~ factor) }} as {{ factor }}_xy,
            {{ score_sum("cap * cap", factor ~ " is not null") }} as {{ factor }}_xx,
            {% endfor %}
        from score
        where
            industry_code is not null
            and cap is not null
        group by trade_week, industry_code
    ),

    -- Sums of squares and products about the means of the industries.
    within_industries as (
        select
            trade_week,
            {% for factor in factors -%}
            sum({{ factor }}_n) as {{ factor }}_n,
            {% for pair in ["yy", "xy", "xx"] -%}
            {{
                score_sum(
                    factor ~ "_" ~ pair ~ " - " ~ factor ~ "_" ~ pair[0] ~ " * "
                    ~ factor ~ "_" ~ pair[1] ~ " / nullif(" ~ factor ~ "_n, 0)"
                )
            }} as {{ factor }}_{{ pair }},
            {% endfor -%}
            {% for pair in ["yy", "xx"] -%}
            {{ score_sum(factor ~ "_" ~ pair) }} as {{ factor }}_all_{{ pair }},
            {% endfor -%}
            {% endfor %}
        from industry_moment
        group by trade_week
    ),

    slope as (
        select
            *,
            {% for factor in factors -%}
            case
                when {{ factor not in sizes }}
                    and {{ is_left(factor ~ "_xx", factor ~ "_all_xx") }}
                    then {{ factor }}_xy / {{ factor }}_xx
                else 0
            end as {{ factor }}_slope,
            {% endfor %}
        from within_industries
    ),

    residual_spread as (
        select
            trade_week,
            {% for factor in factors -%}
            {%- set left -%}
            {{ factor }}_yy - {{ factor }}_slope * {{ factor }}_xy
            {%- endset -%}
            {{ factor }}_slope,
            case
                when {{ is_left(left, factor ~ "_all_yy") }}
                    then sqrt(({{ left }}) / nullif({{ factor }}_n - 1, 0))
            end as {{ factor }}_residual_std,
            {% endfor %}
        from slope
    ),

    neutral as (
        select
            score.trade_week,
            score.security_code,
            {% for factor in factors -%}
            score.{{ factor }},
            (
                score.{{ factor }}
                - industry_moment.{{ factor }}_y / industry_moment.{{ factor }}_n
                - residual_spread.{{ factor }}_slope
                * (
                    score.cap
                    - industry_moment.{{ factor }}_x / industry_moment.{{ factor }}_n
                )
            ) / residual_spread.{{ factor }}_residual_std as {{ factor }}_neutral,
            {% endfor %}
        from score
        left join industry_moment
            on
                score.trade_week = industry_moment.trade_week
                and score.industry_code = industry_moment.industry_code
        left join residual_spread on score.trade_week = residual_spread.trade_week
    )

    select
        panel.trade_week,
        panel.security_code,
        neutral.security_code is not null as is_in_universe,
        {% for factor in factors -%}
        panel.{{ factor }},
        neutral.{{ factor }} as {{ factor }}_z_score,
        neutral.{{ factor }}_neutral as {{ factor }}_neutral_z_score,
        {% endfor %}
    from panel
    left join neutral
        on
            panel.trade_week = neutral.trade_week
            and panel.security_code = neutral.security_code
{%- endmacro %}

{# Such a panel in long form. Values that are not there have no row. -#}
{% macro long_factor_values(scored_panel, factors) -%}
    select
        factor_code,
        trade_week,
        security_code,
        value,
        z_score,
        neutral_z_score,
    from (
        select
            trade_week,
            security_code,
            unnest([
                {%- for factor in factors %}
                '{{ factor }}'{{ "," if not loop.last }}
                {%- endfor %}
            ]) as factor_code,
            {% for column, suffix in [
                ("value", ""),
                ("z_score", "_z_score"),
                ("neutral_z_score", "_neutral_z_score"),
            ] -%}
            unnest([
                {%- for factor in factors %}
                {{ factor ~ suffix }}{{ "," if not loop.last }}
                {%- endfor %}
            ]) as {{ column }},
            {% endfor %}
        from (
            {{ scored_panel }}
        ) as scored
    ) as long_form
    where value is not null
{%- endmacro %}

{# Values of the factors of a model in long form, with their scores of `neutral_panel`. -#}
{% macro factor_values(model, factors, is_windowed=true, sizes=[]) -%}
    {{
        long_factor_values(
            neutral_panel(model, factors, is_windowed, sizes), factors
        )
    }}
{%- endmacro %}
