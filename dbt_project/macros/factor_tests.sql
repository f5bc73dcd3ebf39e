{# Universes of factor tests; each is a column is_in_<universe> of the universe model. -#}
{% macro factor_universes() -%}
    {{ return(["all"] + var("factor_index_universes").keys() | list + ["microcap"]) }}
{%- endmacro %}

{# The universe of a number, and the number of a universe: windows sort integers. -#}
{% macro universe_number(column) -%}
    case {{ column }}
        {%- for universe in factor_universes() %}
        when '{{ universe }}' then {{ loop.index }}
        {%- endfor %}
    end
{%- endmacro %}

{% macro universe_of_number(column) -%}
    case {{ column }}
        {%- for universe in factor_universes() %}
        when {{ loop.index }} then '{{ universe }}'
        {%- endfor %}
    end
{%- endmacro %}

{#
    Correlation of ranks from sums of integers: exact, whatever the order of the rows.
    NULL below `minimum_count` and where either side is constant.
-#}
{% macro rank_correlation(n, xy, x, xx, y, yy, minimum_count) -%}
    case
        when {{ n }} >= {{ minimum_count }}
            then
                cast({{ n }} * {{ xy }} - {{ x }} * {{ y }} as double)
                / nullif(
                    sqrt(
                        cast({{ n }} * {{ xx }} - {{ x }} * {{ x }} as double)
                        * cast({{ n }} * {{ yy }} - {{ y }} * {{ y }} as double)
                    ),
                    0
                )
    end
{%- endmacro %}

{# Sums of doubled ranks, on paper and of the buyable stocks, that give a rank IC. -#}
{% macro rank_sums() -%}
    {{ return([
        "rank_product_sum",
        "factor_rank_sum",
        "factor_square_sum",
        "return_rank_sum",
        "return_square_sum",
        "buyable_rank_product_sum",
        "buyable_factor_rank_sum",
        "buyable_factor_square_sum",
        "buyable_return_rank_sum",
        "buyable_return_square_sum",
    ]) }}
{%- endmacro %}

{#
    Ranks of the returns among the stocks that have a factor, of many factors in one sort:
    a word counts the stocks so far of seven factors at once, each in 18 of its 126 bits.
    Doubled ranks fit into them up to 131,072 stocks.
-#}
{% macro rank_bits() -%}
    {{ return(18) }}
{%- endmacro %}

{% macro rank_words(factors) -%}
    {{ return(factors | batch(7) | list) }}
{%- endmacro %}

{# Ones at the places of the factors that a stock has. -#}
{% macro known_word(factors) -%}
    {%- set ones = [] -%}
    {%- for factor in factors -%}
        {%- do ones.append(
            "if(isfinite(" ~ factor ~ "), cast(1 as hugeint) << "
            ~ loop.index0 * rank_bits() ~ ", 0)"
        ) -%}
    {%- endfor -%}
    {{ ones | join(" + ") }}
{%- endmacro %}

{# Twice as many as stand above, and all that stand level: doubled ranks, less one. -#}
{% macro return_word_columns(factors) -%}
    {% for word in range(rank_words(factors) | length) -%}
    {%- for prefix in ["", "buyable_"] -%}
    2 * sum(known_{{ word }}) over {{ prefix }}so_far
        - sum(known_{{ word }}) over {{ prefix }}level as {{ prefix }}return_word_{{ word }},
        {% endfor -%}
    {%- endfor %}
{%- endmacro %}

{% macro rank_of_word(words, factors, factor) -%}
    {%- set place = factors.index(factor) -%}
    {%- set shift = place % 7 * rank_bits() -%}
    {%- set mask = 2 ** rank_bits() - 1 -%}
    cast(1 + (({{ words }}_{{ place // 7 }} >> {{ shift }}) & {{ mask }}) as integer)
{%- endmacro %}

{#
    Layers of one factor in every universe and week of `relation`, with what a rank IC
    needs. Ranks are taken over the stocks that have both a factor and a return, again
    over those that could be bought at the open, doubled so that average ranks are
    integers; rank() and count(*) over the same frame tell how many stand above, and how
    many above or level. Those of the returns come in the words of `relation`. Between two
    weeks a weight drifts with its stock: of equal weights in a layer of n whose returns
    sum to s, (1 + r) / (n + s) is left. A layer is cut by position: equal values are told
    apart by the security, so that no layer is empty; 0 stands for too few stocks. Sorts
    are of integers and one double.
-#}
{% macro factor_layer_sums(relation, factors, factor, layers, minimum_stocks) -%}
{%- set group = "partition by universe_number, trade_week" -%}
{%- set buyable_group = group ~ ", is_buyable_at_open" -%}
{%- set so_far = "range between unbounded preceding and current row" -%}
select
        universe_number,
        '{{ factor }}' as factor_code,
        trade_week,
        factor_week,
        layer,
        count(*) as stock_count,
        count(*) filter (where is_buyable_at_open) as buyable_count,
        count(*) filter (where is_sellable_at_open) as sellable_count,
        count(weight_before) as kept_count,
        sum(cast(weight_before as decimal(38, 18))) as kept_weight_before,
        sum(cast(abs(1 / layer_count - weight_before) as decimal(38, 18)))
            as kept_weight_change,
        sum(cast(paper_return as decimal(18, 12))) as paper_return_sum,
        sum(cast(tradable_return as decimal(18, 12))) filter (
            where is_buyable_at_open
        ) as tradable_return_sum,
        sum(cast(tradable_return as decimal(18, 12))) filter (
            where is_sellable_at_open
        ) as sellable_return_sum,
        {%- for prefix, ranks, condition in [
            ("", "", ""),
            ("buyable_", "buyable_", " filter (where is_buyable_at_open)"),
        ] %}
        {%- set x = ranks ~ "factor_rank" %}
        {%- set y = ranks ~ "return_rank" %}
        sum({{ x }} * {{ y }}){{ condition }} as {{ prefix }}rank_product_sum,
        sum({{ x }}){{ condition }} as {{ prefix }}factor_rank_sum,
        sum({{ x }} * {{ x }}){{ condition }} as {{ prefix }}factor_square_sum,
        sum({{ y }}){{ condition }} as {{ prefix }}return_rank_sum,
        sum({{ y }} * {{ y }}){{ condition }} as {{ prefix }}return_square_sum,
        {%- endfor %}
    from (
        select
            *,
            case
                when
                    lag(layer) over by_stock = layer
                    and lag(trade_week) over by_stock = factor_week
                    then lag(drifted_weight) over by_stock
            end as weight_before,
        from (
            select
                *,
                count(*) over by_layer as layer_count,
                (1 + paper_return) / nullif(
                    count(*) over by_layer
                    + cast(
                        sum(cast(paper_return as decimal(18, 12))) over by_layer
                        as double
                    ),
                    0
                ) as drifted_weight,
            from (
                select
                    universe_number,
                    trade_week,
                    factor_week,
                    security_number,
                    is_buyable_at_open,
                    is_sellable_at_open,
                    paper_return,
                    tradable_return,
                    case
                        when count(*) over whole >= {{ minimum_stocks }}
                            then
                                cast(
                                    1
                                    + (row_number() over by_position - 1)
                                    * {{ layers }} // count(*) over whole as utinyint
                                )
                        else 0
                    end as layer,
                    cast(
                        rank() over by_factor + count(*) over by_factor as integer
                    ) as factor_rank,
                    cast(
                        rank() over by_buyable_factor
                        + count(*) over by_buyable_factor as integer
                    ) as buyable_factor_rank,
                    return_rank,
                    buyable_return_rank,
                from (
                    select
                        universe_number,
                        trade_week,
                        factor_week,
                        security_number,
                        is_buyable_at_open,
                        is_sellable_at_open,
                        paper_return,
                        tradable_return,
                        {{ factor }},
                        {%- for prefix in ["", "buyable_"] %}
                        {{ rank_of_word(prefix ~ "return_word", factors, factor) }}
                            as {{ prefix }}return_rank,
                        {%- endfor %}
                    from {{ relation }}
                    where isfinite({{ factor }})
                )
                window
                    by_position as ({{ group }} order by {{ factor }} desc, security_number),
                    whole as (
                        {{ group }}
                        order by {{ factor }} desc
                        range between unbounded preceding and unbounded following
                    ),
                    by_factor as ({{ group }} order by {{ factor }} desc {{ so_far }}),
                    by_buyable_factor as (
                        {{ buyable_group }} order by {{ factor }} desc {{ so_far }}
                    )
            )
            window by_layer as ({{ group }}, layer)
        )
        window
            by_stock as (
                partition by universe_number, security_number
                order by trade_week
            )
    )
    group by universe_number, trade_week, factor_week, layer
{%- endmacro %}

{# Ranks of the returns of the next weeks; NULL once the stock has left the universe. -#}
{% macro return_rank_columns(weeks) -%}
    {% for ahead in range(1, weeks) -%}
    first_value(doubled_return_rank) over (
            partition by universe_number, security_code
            order by week_number
            range between {{ ahead }} following and {{ ahead }} following
        ) as return_rank_{{ ahead + 1 }},
        {% endfor -%}
{%- endmacro %}

{#
    Sums of the doubled ranks of one factor and of the returns of each of the next weeks,
    ranked once in their own weeks: to rank anew the stocks that each pair of weeks shares
    would be a sort for each of the twelve.
-#}
{% macro factor_decay_sums(relation, factor, weeks) -%}
select
        universe_number,
        week_number,
        factor_week,
        '{{ factor }}' as factor_code,
        {%- for horizon in range(2, weeks + 1) %}
        {%- set y = "return_rank_" ~ horizon %}
        count({{ y }}) as stock_count_{{ horizon }},
        sum(factor_rank * {{ y }}) as product_sum_{{ horizon }},
        sum(case when {{ y }} is not null then factor_rank end)
            as factor_rank_sum_{{ horizon }},
        sum(case when {{ y }} is not null then factor_rank * factor_rank end)
            as factor_square_sum_{{ horizon }},
        sum({{ y }}) as return_rank_sum_{{ horizon }},
        sum({{ y }} * {{ y }}) as return_square_sum_{{ horizon }},
        {%- endfor %}
    from (
        select
            universe_number,
            week_number,
            factor_week,
            {% for horizon in range(2, weeks + 1) -%}
            return_rank_{{ horizon }},
            {% endfor -%}
            cast(rank() over so_far + count(*) over so_far as integer) as factor_rank,
        from {{ relation }}
        where isfinite({{ factor }})
        window
            so_far as (
                partition by universe_number, week_number
                order by {{ factor }} desc
                range between unbounded preceding and current row
            )
    )
    group by universe_number, week_number, factor_week
{%- endmacro %}
