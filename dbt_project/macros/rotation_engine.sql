{#
    The strategy engine: from lists to daily returns. Its models call these macros with
    their own relations, so that the rule ledger runs the same SQL over every strategy
    with a rule switched off. `keys` are the columns that tell one run from another.
-#}

{# When lists are decided and traded. -#}
{% macro rotation_rebalance(keys, selection, strategy) -%}
with selection as (
    select
        {{ keys | join(", ") }},
        signal_date,
    from {{ selection }}
    group by {{ keys | join(", ") }}, signal_date
),

strategy as (
    select
        {{ keys | join(", ") }},
        asset_type,
        asset_pool,
        execution,
        fills,
        two_way_cost,
        benchmark,
    from {{ strategy }}
),

trading_day as (
    select
        trade_date,
        next_trade_date,
        is_loaded,
    from {{ ref("int_trading_day") }}
),

loaded_day as (
    select trade_date,
    from trading_day
    where is_loaded
),

executed as (
    select
        {{ prefixed(keys, "selection") }},
        selection.signal_date,
        strategy.asset_type,
        strategy.asset_pool,
        strategy.execution,
        strategy.fills,
        strategy.two_way_cost,
        strategy.benchmark,
        case
            when strategy.execution = 'signal_close' then selection.signal_date
            else loaded_day.trade_date
        end as execution_date,
    from selection
    inner join strategy on {{ same_keys(keys, "selection", "strategy") }}
    inner join trading_day on selection.signal_date = trading_day.trade_date
    left join loaded_day on trading_day.next_trade_date = loaded_day.trade_date
)

select
    {{ keys | join(", ") }},
    signal_date,
    lag(signal_date) over (
        partition by {{ keys | join(", ") }}
        order by signal_date asc
    ) as previous_signal_date,
    execution_date,
    lead(execution_date) over (
        partition by {{ keys | join(", ") }}
        order by signal_date asc
    ) as next_execution_date,
    asset_type,
    asset_pool,
    execution,
    fills,
    two_way_cost,
    benchmark,
from executed
{%- endmacro %}

{#
    What a run may hold after each of its executions: the list, and what could not be sold
    before. `with_limits` and `with_suspension` are conditions on `rebalance` that the rule
    holds. Industries whose fills are assumed hold their lists, without candidates; stocks
    whose fills are assumed can be traded until they are delisted.

    A stock that leaves the list on a day on which it cannot be sold is sold on the first
    day on which it can be (`exit_date`), or at the next execution if that is earlier.
    Industries can always be sold in part: what is left waits for the next execution.
-#}
{% macro rotation_candidate(
    keys,
    rebalance,
    selection,
    with_limits="true",
    with_suspension="true"
) -%}
with trading_day as (
    select
        trade_date,
        day_index,
        max(day_index) over () as last_index,
    from {{ ref("int_trading_day") }}
    where is_loaded
),

rebalance as (
    select
        {{ prefixed(keys, "rebalance") }},
        rebalance.signal_date,
        rebalance.execution_date,
        rebalance.next_execution_date,
        rebalance.asset_type,
        rebalance.asset_pool,
        rebalance.execution,
        rebalance.fills = 'checked' and {{ with_limits }} as with_limits,
        rebalance.fills = 'checked' and {{ with_suspension }} as with_suspension,
        first_day.day_index as execution_index,
        coalesce(last_day.day_index, first_day.last_index + 1) as end_index,
        row_number() over (
            partition by {{ prefixed(keys, "rebalance") }}
            order by rebalance.signal_date asc
        ) as step,
    from {{ rebalance }} as rebalance
    inner join
        trading_day as first_day
        on rebalance.execution_date = first_day.trade_date
    left join
        trading_day as last_day
        on rebalance.next_execution_date = last_day.trade_date
    where
        rebalance.fills = 'checked'
        or rebalance.asset_type = 'stock'
),

listed as (
    select
        rebalance.*,
        selection.asset_code,
        selection.target_weight,
    from rebalance
    inner join
        {{ selection }} as selection
        on
            {{ same_keys(keys, "rebalance", "selection") }}
            and rebalance.signal_date = selection.signal_date
),

block as (
    select
        security_code,
        trade_date,
        is_suspended,
        is_gone,
        opens_at_limit_up,
        closes_at_limit_up,
        open_exit_index,
        close_exit_index,
        suspension_exit_index,
        open_limit_exit_index,
        close_limit_exit_index,
    from {{ ref("int_stock_block") }}
),

-- Stocks off the next list that cannot be sold when it is traded.
delayed as (
    select
        {{ prefixed(keys, "listed") }},
        listed.asset_code,
        listed.step,
        {{ exit_index("listed", "block") }} as exit_index,
    from listed
    inner join
        block
        on
            listed.asset_code = block.security_code
            and listed.next_execution_date = block.trade_date
    anti join
        listed as next_listed
        on
            {{ same_keys(keys, "listed", "next_listed") }}
            and listed.step + 1 = next_listed.step
            and listed.asset_code = next_listed.asset_code
    where listed.asset_type = 'stock'
),

-- Their weight stands in the way of every list that is traded before the sale.
carried as (
    select
        rebalance.*,
        delayed.asset_code,
        delayed.exit_index,
    from delayed
    inner join
        rebalance
        on
            {{ same_keys(keys, "delayed", "rebalance") }}
            and delayed.step < rebalance.step
            and delayed.exit_index > rebalance.execution_index
),

basket as (
    select
        {{ keys | join(", ") }},
        asset_code,
        min(step) as first_step,
    from listed
    where asset_type <> 'stock'
    group by {{ keys | join(", ") }}, asset_code
),

side as (
    select
        {{ keys | join(", ") }},
        step,
        asset_code,
        true as is_listed,
        target_weight,
        cast(null as bigint) as exit_index,
    from listed
    union all
    select
        {{ keys | join(", ") }},
        step,
        asset_code,
        false as is_listed,
        0 as target_weight,
        exit_index,
    from carried
    union all
    select
        {{ prefixed(keys, "basket") }},
        rebalance.step,
        basket.asset_code,
        false as is_listed,
        0 as target_weight,
        cast(null as bigint) as exit_index,
    from basket
    inner join
        rebalance
        on
            {{ same_keys(keys, "basket", "rebalance") }}
            and basket.first_step < rebalance.step
),

candidate as (
    select
        {{ keys | join(", ") }},
        step,
        asset_code,
        bool_or(is_listed) as is_listed,
        max(target_weight) as target_weight,
        case when not bool_or(is_listed) then max(exit_index) end as exit_index,
    from side
    group by {{ keys | join(", ") }}, step, asset_code
),

-- Conditions on one side of an outer join are put into its columns: as conditions they
-- would compare every row with every other.
dated as (
    select
        {{ prefixed(keys, "candidate") }},
        rebalance.signal_date,
        candidate.asset_code,
        candidate.step,
        rebalance.execution_date,
        rebalance.next_execution_date,
        rebalance.asset_type,
        rebalance.asset_pool,
        rebalance.execution,
        rebalance.with_limits,
        rebalance.with_suspension,
        rebalance.end_index,
        candidate.is_listed,
        candidate.target_weight,
        case
            when candidate.exit_index < rebalance.end_index then candidate.exit_index
        end as exit_index,
        case
            when rebalance.asset_type = 'stock' then candidate.asset_code
        end as security_code,
    from candidate
    inner join
        rebalance
        on
            {{ same_keys(keys, "candidate", "rebalance") }}
            and candidate.step = rebalance.step
),

unfillable as (
    select
        asset_type,
        asset_pool,
        asset_code,
        trade_date,
        suspended_share,
        unbuyable_open_share,
        unsellable_open_share,
        unbuyable_close_share,
        unsellable_close_share,
    from {{ ref("int_asset_unfillable") }}
)

select
    {{ prefixed(keys, "dated") }},
    dated.signal_date,
    dated.asset_code,
    dated.step,
    dated.execution_date,
    dated.next_execution_date,
    dated.asset_type,
    dated.asset_pool,
    dated.execution,
    dated.end_index,
    dated.is_listed,
    dated.target_weight,
    exit_day.trade_date as exit_date,
    {%- for side in ["unbuyable", "unsellable"] %}
    cast(
        case
            when dated.asset_type <> 'stock'
                then
                    {{ unfillable_share("dated", "unfillable", side) }}
            {%- if side == "unbuyable" %}
            when {{ is_unbuyable("dated", "block") }} then 1
            {%- else %}
            when {{ exit_index("dated", "block") }} is not null then 1
            {%- endif %}
            else 0
        end as double
    ) as {{ side }}_share,
    {%- endfor %}
from dated
left join
    block
    on
        dated.security_code = block.security_code
        and dated.execution_date = block.trade_date
left join
    unfillable
    on
        dated.asset_type = unfillable.asset_type
        and dated.asset_pool = unfillable.asset_pool
        and dated.asset_code = unfillable.asset_code
        and dated.execution_date = unfillable.trade_date
left join trading_day as exit_day on dated.exit_index = exit_day.day_index
{%- endmacro %}

{#
    First day on which a stock blocked today can be sold at the strategy's moment; NULL
    where the rules that hold let it be sold today.
-#}
{% macro exit_index(run, block) -%}
case
    when {{ run }}.with_limits and {{ run }}.with_suspension
        then
            case {{ run }}.execution
                when 'next_open' then {{ block }}.open_exit_index
                else {{ block }}.close_exit_index
            end
    when {{ run }}.with_suspension then {{ block }}.suspension_exit_index
    when {{ run }}.with_limits
        then
            case {{ run }}.execution
                when 'next_open' then {{ block }}.open_limit_exit_index
                else {{ block }}.close_limit_exit_index
            end
end
{%- endmacro %}

{# Whether a stock cannot be bought at the strategy's moment, by the rules that hold. -#}
{% macro is_unbuyable(run, block) -%}
(
    {{ block }}.is_gone
    or ({{ run }}.with_suspension and {{ block }}.is_suspended)
    or (
        {{ run }}.with_limits
        and case {{ run }}.execution
            when 'next_open' then {{ block }}.opens_at_limit_up
            else {{ block }}.closes_at_limit_up
        end
    )
)
{%- endmacro %}

{# Share of an industry that cannot be traded; suspended and limited members differ. -#}
{% macro unfillable_share(run, unfillable, side) -%}
{%- set share -%}
case {{ run }}.execution
    when 'next_open' then {{ unfillable }}.{{ side }}_open_share
    else {{ unfillable }}.{{ side }}_close_share
end
{%- endset -%}
coalesce(
    case
        when {{ run }}.with_limits and {{ run }}.with_suspension then {{ share }}
        when {{ run }}.with_suspension then {{ unfillable }}.suspended_share
        when {{ run }}.with_limits
            then greatest({{ share }} - {{ unfillable }}.suspended_share, 0)
    end,
    0
)
{%- endmacro %}

{#
    Levels of the stocks that a run may hold, on the days on which it may: logarithms of
    adjusted prices. A suspended stock keeps its last price, and so does one that is gone.
-#}
{% macro stock_level(candidate) -%}
with trading_day as (
    select
        trade_date,
        day_index,
    from {{ ref("int_trading_day") }}
    where is_loaded
),

span as (
    select
        candidate.asset_pool,
        candidate.asset_code,
        signal_day.day_index as first_index,
        candidate.end_index,
    from {{ candidate }} as candidate
    inner join
        trading_day as signal_day
        on candidate.signal_date = signal_day.trade_date
    where candidate.asset_type = 'stock'
    group by
        candidate.asset_pool,
        candidate.asset_code,
        signal_day.day_index,
        candidate.end_index
),

span_day as (
    select
        asset_pool,
        asset_code,
        unnest(range(first_index, end_index + 1)) as day_index,
    from span
),

held_day as (
    select
        span_day.asset_pool,
        span_day.asset_code,
        trading_day.trade_date,
    from span_day
    inner join trading_day on span_day.day_index = trading_day.day_index
    group by span_day.asset_pool, span_day.asset_code, trading_day.trade_date
),

price as (
    select
        trade_date,
        security_code,
        is_suspended,
        cast(ln(adjusted_close) as decimal(38, 18)) as log_close,
        cast(
            ln(coalesce(adjusted_open, adjusted_close)) as decimal(38, 18)
        ) as log_open,
    from {{ ref("int_security_day") }}
),

priced as (
    select
        held_day.asset_pool,
        held_day.asset_code,
        held_day.trade_date,
        last_value(price.log_close ignore nulls) over so_far as last_log_close,
        price.log_open,
        coalesce(price.is_suspended, true) as is_carried,
    from held_day
    left join
        price
        on
            held_day.asset_code = price.security_code
            and held_day.trade_date = price.trade_date
    window so_far as (
        partition by held_day.asset_pool, held_day.asset_code
        order by held_day.trade_date asc
        rows between unbounded preceding and current row
    )
)

select
    'stock' as asset_type,
    asset_pool,
    asset_code,
    trade_date,
    last_log_close as log_close,
    coalesce(log_open, last_log_close) as log_open,
    is_carried,
from priced
{%- endmacro %}

{#
    What is held after each execution. Industries whose fills are assumed: the list at its
    target weights. Else the lists are walked in order, each from the drifted weights of
    the one before:

    - first what is too much is sold as far as it can be;
    - then what is too little is bought with the money there is; where something could
      not be sold it does not suffice, and all purchases are cut by the same factor;
    - the money meant for what cannot be bought stays in cash until the next list.

    A build by windows walks on from `former`, what the last build filled, after the last
    step that ended before the window; a run that it does not know begins at the first. A
    list is of the window by its last day.
-#}
{% macro rotation_fill(keys, rebalance, selection, candidate, level, former) -%}
{%- set run = keys | join(", ") -%}
{%- set is_windowed = refresh_var("build_from") is not none -%}
with recursive all_candidate as (
    select
        {{ keys | join(", ") }},
        signal_date,
        asset_code,
        step,
        execution_date,
        next_execution_date,
        asset_type,
        asset_pool,
        execution,
        is_listed,
        target_weight,
        exit_date,
        unbuyable_share,
        unsellable_share,
        {{ in_build_window(open_end("next_execution_date")) }}
        {%- if is_windowed %}
        or ({{ run }}) not in (select ({{ run }}) from {{ former }})
        {%- endif %} as is_in_window,
    from {{ candidate }}
),

-- The last step before the window; none in a full build.
ended as (
    select
        {{ keys | join(", ") }},
        max(step) as step,
        arg_max(signal_date, step) as signal_date,
    from all_candidate
    where not is_in_window
    group by {{ run }}
),

candidate as (
    select all_candidate.*,
    from all_candidate
    left join ended on {{ same_keys(keys, "all_candidate", "ended") }}
    where all_candidate.step >= coalesce(ended.step, 0)
),

asset_level as (
    select
        asset_type,
        asset_pool,
        asset_code,
        trade_date,
        log_close,
        log_open,
    from {{ level }}
),

-- Growth until the sale or the next execution; cash is one more asset, and what was
-- sold before the next execution is cash by then.
priced as materialized (
    select
        {{ prefixed(keys, "candidate") }},
        candidate.step,
        candidate.asset_code,
        false as is_cash,
        candidate.exit_date is not null as is_sold,
        candidate.is_listed,
        candidate.target_weight,
        candidate.unbuyable_share,
        candidate.unsellable_share,
        exp(
            case candidate.execution
                when 'next_open' then ending.log_open - beginning.log_open
                else ending.log_close - beginning.log_close
            end
        ) as growth,
    from candidate
    inner join
        asset_level as beginning
        on
            candidate.asset_type = beginning.asset_type
            and candidate.asset_pool = beginning.asset_pool
            and candidate.asset_code = beginning.asset_code
            and candidate.execution_date = beginning.trade_date
    left join
        asset_level as ending
        on
            candidate.asset_type = ending.asset_type
            and candidate.asset_pool = ending.asset_pool
            and candidate.asset_code = ending.asset_code
            and coalesce(candidate.exit_date, candidate.next_execution_date)
            = ending.trade_date
    union all
    select
        {{ keys | join(", ") }},
        step,
        '' as asset_code,
        true as is_cash,
        false as is_sold,
        false as is_listed,
        0 as target_weight,
        0 as unbuyable_share,
        0 as unsellable_share,
        1 as growth,
    from candidate
    group by {{ run }}, step
),

{% if is_windowed -%}
-- What was held, and the cash, after the last step before the window.
filled_before as (
    select
        {{ prefixed(keys, "former") }},
        former.asset_code,
        former.filled_weight,
    from {{ former }} as former
    inner join
        ended
        on
            {{ same_keys(keys, "former", "ended") }}
            and former.signal_date = ended.signal_date
    union all
    select
        {{ prefixed(keys, "former") }},
        '' as asset_code,
        max(former.cash_weight) as filled_weight,
    from {{ former }} as former
    inner join
        ended
        on
            {{ same_keys(keys, "former", "ended") }}
            and former.signal_date = ended.signal_date
    group by {{ prefixed(keys, "former") }}
),

{% endif -%}
walk as (
    select
        {{ keys | join(", ") }},
        cast(0 as bigint) as step,
        '' as asset_code,
        true as is_cash,
        false as is_sold,
        cast(1 as double) as filled_weight,
        cast(1 as double) as end_value,
        cast(1 as double) as end_total,
    from candidate
    {%- if is_windowed %}
    anti join ended on {{ same_keys(keys, "candidate", "ended") }}
    {%- endif %}
    group by {{ run }}
    {%- if is_windowed %}
    union all
    select
        {{ prefixed(keys, "priced") }},
        priced.step,
        priced.asset_code,
        priced.is_cash,
        priced.is_sold,
        coalesce(filled_before.filled_weight, 0) as filled_weight,
        coalesce(filled_before.filled_weight, 0) * priced.growth as end_value,
        {{
            exact_total(
                "coalesce(filled_before.filled_weight, 0) * priced.growth",
                prefixed(keys, "priced"),
            )
        }} as end_total,
    from priced
    inner join
        ended
        on
            {{ same_keys(keys, "priced", "ended") }}
            and priced.step = ended.step
    left join
        filled_before
        on
            {{ same_keys(keys, "priced", "filled_before") }}
            and priced.asset_code = filled_before.asset_code
    {%- endif %}
    union all
    select
        {{ keys | join(", ") }},
        step,
        asset_code,
        is_cash,
        is_sold,
        filled_weight,
        end_value,
        {{ exact_total("end_value", run) }} as end_total,
    from (
        select
            {{ keys | join(", ") }},
            step,
            asset_code,
            is_cash,
            is_sold,
            filled_weight,
            filled_weight * growth as end_value,
        from (
            select
                {{ keys | join(", ") }},
                step,
                asset_code,
                is_cash,
                is_sold,
                growth,
                case
                    when is_cash
                        then
                            greatest(
                                1 - {{ exact_total("invested_weight", run) }}, 0
                            )
                    else invested_weight
                end as filled_weight,
            from (
                select
                    {{ keys | join(", ") }},
                    step,
                    asset_code,
                    is_cash,
                    is_sold,
                    growth,
                    kept_weight + wanted_weight * (1 - unbuyable_share)
                    -- Without anything stuck, the money suffices but for a last bit.
                    * case
                        when 1 - kept_total + 1e-15 >= wanted_total then 1
                        else (1 - kept_total) / wanted_total
                    end as invested_weight,
                from (
                    select
                        {{ keys | join(", ") }},
                        step,
                        asset_code,
                        is_cash,
                        is_sold,
                        growth,
                        unbuyable_share,
                        kept_weight,
                        greatest(target_weight - kept_weight, 0) as wanted_weight,
                        {{ exact_total("kept_weight", run) }} as kept_total,
                        {{
                            exact_total(
                                "greatest(target_weight - kept_weight, 0)", run
                            )
                        }} as wanted_total,
                    from (
                        select
                            {{ prefixed(keys, "priced") }},
                            priced.step,
                            priced.asset_code,
                            priced.is_cash,
                            priced.is_sold,
                            priced.target_weight,
                            priced.unbuyable_share,
                            priced.growth,
                            case
                                when priced.is_cash then 0
                                else
                                    coalesce(held.end_value, 0) / cash.end_total
                                    - greatest(
                                        coalesce(held.end_value, 0) / cash.end_total
                                        - priced.target_weight,
                                        0
                                    ) * (1 - priced.unsellable_share)
                            end as kept_weight,
                        from walk as cash
                        inner join
                            priced
                            on
                                {{ same_keys(keys, "cash", "priced") }}
                                and cash.step + 1 = priced.step
                        left join
                            walk as held
                            on
                                {{ same_keys(keys, "cash", "held") }}
                                and cash.step = held.step
                                and priced.asset_code = held.asset_code
                                and not held.is_sold
                        where cash.is_cash
                    ) as kept
                ) as wanted
            ) as bought
        ) as filled
    ) as grown
),

cash as (
    select
        {{ keys | join(", ") }},
        step,
        filled_weight as cash_weight,
    from walk
    where is_cash
)

select
    {{ prefixed(keys, "candidate") }},
    candidate.signal_date,
    candidate.asset_code,
    candidate.is_listed,
    candidate.target_weight,
    walk.filled_weight,
    cash.cash_weight,
    candidate.unbuyable_share,
    candidate.unsellable_share,
    candidate.exit_date,
    candidate.next_execution_date,
from walk
inner join
    candidate
    on
        {{ same_keys(keys, "walk", "candidate") }}
        and walk.step = candidate.step
        and walk.asset_code = candidate.asset_code
inner join
    cash
    on
        {{ same_keys(keys, "walk", "cash") }}
        and walk.step = cash.step
where
    candidate.is_in_window
    and (candidate.is_listed or walk.filled_weight > 0)
union all
select
    {{ prefixed(keys, "selection") }},
    selection.signal_date,
    selection.asset_code,
    true as is_listed,
    selection.target_weight,
    selection.target_weight as filled_weight,
    0 as cash_weight,
    cast(null as double) as unbuyable_share,
    cast(null as double) as unsellable_share,
    cast(null as date) as exit_date,
    rebalance.next_execution_date,
from {{ selection }} as selection
inner join
    {{ rebalance }} as rebalance
    on
        {{ same_keys(keys, "selection", "rebalance") }}
        and selection.signal_date = rebalance.signal_date
where
    rebalance.execution_date is not null
    and rebalance.fills = 'assumed'
    and rebalance.asset_type <> 'stock'
    and (
        {{ in_build_window(open_end("rebalance.next_execution_date")) }}
        {%- if is_windowed %}
        or ({{ prefixed(keys, "rebalance") }}) not in (
            select ({{ run }}) from {{ former }}
        )
        {%- endif %}
    )
{%- endmacro %}

{# The day on which a list ends; the last one has not ended. -#}
{% macro open_end(next_execution_date) -%}
    coalesce({{ next_execution_date }}, date '9999-12-31')
{%- endmacro %}

{# Sum over the rows of a run that does not depend on their order. -#}
{% macro exact_total(expression, partition) -%}
    cast(
        sum(cast({{ expression }} as decimal(38, 18))) over (
            partition by {{ partition }}
        ) as double
    )
{%- endmacro %}

{#
    A position's growth on a day is a difference of two logarithms of its asset's level,
    so the drift between rebalances needs no walk through the days. What is sold between
    two executions stays at the value of its sale.
-#}
{% macro rotation_position(keys, rebalance, fill, level) -%}
with rebalance as (
    select
        {{ keys | join(", ") }},
        signal_date,
        execution_date,
        next_execution_date,
        asset_type,
        asset_pool,
        execution,
    from {{ rebalance }}
    where execution_date is not null
),

fill as (
    select
        {{ keys | join(", ") }},
        signal_date,
        asset_code,
        filled_weight,
        exit_date,
    from {{ fill }}
),

asset_level as (
    select
        asset_type,
        asset_pool,
        asset_code,
        trade_date,
        log_close,
        log_open,
        is_carried,
    from {{ level }}
),

trading_day as (
    select
        trade_date,
        day_index,
        max(day_index) over () as last_index,
    from {{ ref("int_trading_day") }}
    where is_loaded
),

-- The days of a portfolio: its execution day up to and with the next one's.
holding_range as (
    select
        {{ prefixed(keys, "rebalance") }},
        rebalance.signal_date,
        unnest(
            range(
                first_day.day_index,
                coalesce(last_day.day_index, first_day.last_index) + 1
            )
        ) as day_index,
    from rebalance
    inner join
        trading_day as first_day
        on rebalance.execution_date = first_day.trade_date
    left join
        trading_day as last_day
        on rebalance.next_execution_date = last_day.trade_date
),

entered as (
    select
        {{ prefixed(keys, "rebalance") }},
        rebalance.signal_date,
        rebalance.asset_type,
        rebalance.asset_pool,
        rebalance.execution,
        rebalance.execution_date,
        rebalance.next_execution_date,
        fill.asset_code,
        fill.filled_weight,
        fill.exit_date,
        case rebalance.execution
            when 'next_open' then asset_level.log_open
            else asset_level.log_close
        end as entry_log,
    from rebalance
    inner join
        fill
        on
            {{ same_keys(keys, "rebalance", "fill") }}
            and rebalance.signal_date = fill.signal_date
    inner join
        asset_level
        on
            rebalance.asset_type = asset_level.asset_type
            and rebalance.asset_pool = asset_level.asset_pool
            and fill.asset_code = asset_level.asset_code
            and rebalance.execution_date = asset_level.trade_date
)

select
    {{ prefixed(keys, "entered") }},
    entered.signal_date,
    trading_day.trade_date,
    entered.asset_code,
    trading_day.trade_date = entered.execution_date as is_entry,
    coalesce(trading_day.trade_date = entered.next_execution_date, false) as is_exit,
    -- On the day of exit at the open, the day ends with it.
    entered.filled_weight * exp(
        case
            when
                entered.execution = 'next_open'
                and (
                    trading_day.trade_date = entered.next_execution_date
                    or trading_day.trade_date >= entered.exit_date
                )
                then asset_level.log_open
            else asset_level.log_close
        end
        - entered.entry_log
    ) as position_value,
    asset_level.is_carried,
    coalesce(trading_day.trade_date >= entered.exit_date, false) as is_sold,
    coalesce(trading_day.trade_date = entered.exit_date, false) as is_late_sale,
    entered.filled_weight > 0 as is_filled,
from entered
inner join
    holding_range
    on
        {{ same_keys(keys, "entered", "holding_range") }}
        and entered.signal_date = holding_range.signal_date
inner join trading_day on holding_range.day_index = trading_day.day_index
inner join
    asset_level
    on
        entered.asset_type = asset_level.asset_type
        and entered.asset_pool = asset_level.asset_pool
        and entered.asset_code = asset_level.asset_code
        and least(trading_day.trade_date, entered.exit_date) = asset_level.trade_date
{%- endmacro %}

{# Value and growth of each portfolio by day; its cash stays as it is. -#}
{% macro rotation_leg(keys, position, fill) -%}
with position as (
    select
        {{ keys | join(", ") }},
        signal_date,
        trade_date,
        is_entry,
        is_exit,
        position_value,
        is_carried,
        is_sold,
        is_filled,
    from {{ position }}
),

cash as (
    select
        {{ keys | join(", ") }},
        signal_date,
        max(cash_weight) as cash_weight,
    from {{ fill }}
    group by {{ keys | join(", ") }}, signal_date
),

summed as (
    select
        {{ keys | join(", ") }},
        signal_date,
        trade_date,
        is_entry,
        is_exit,
        {{ exact_sum("position_value", 18) }} as invested_value,
        count(*) filter (where is_filled and not is_sold) as held_count,
        count(*) filter (
            where is_carried and is_filled and not is_sold
        ) as carried_count,
    from position
    group by {{ keys | join(", ") }}, signal_date, trade_date, is_entry, is_exit
),

valued as (
    select
        {{ prefixed(keys, "summed") }},
        summed.signal_date,
        summed.trade_date,
        summed.is_entry,
        summed.is_exit,
        summed.invested_value + cash.cash_weight as portfolio_value,
        summed.held_count,
        summed.carried_count,
    from summed
    inner join
        cash
        on
            {{ same_keys(keys, "summed", "cash") }}
            and summed.signal_date = cash.signal_date
)

-- A portfolio is bought for 1, so its first leg starts there.
select
    {{ keys | join(", ") }},
    signal_date,
    trade_date,
    is_entry,
    is_exit,
    portfolio_value,
    portfolio_value / lag(portfolio_value, 1, 1) over (
        partition by {{ keys | join(", ") }}, signal_date
        order by trade_date asc
    ) as leg_growth,
    held_count,
    carried_count,
from valued
{%- endmacro %}

{#
    What is traded: at each execution, from the drifted weights of the portfolio that ends
    to the weights that were filled, the first one from cash; and what is sold late.
-#}
{% macro rotation_trade(keys, rebalance, fill, position, leg) -%}
with rebalance as (
    select
        {{ keys | join(", ") }},
        signal_date,
        previous_signal_date,
        execution_date,
    from {{ rebalance }}
    where execution_date is not null
),

fill as (
    select
        {{ keys | join(", ") }},
        signal_date,
        asset_code,
        filled_weight,
    from {{ fill }}
),

weighed as (
    select
        {{ prefixed(keys, "position") }},
        position.signal_date,
        position.trade_date,
        position.asset_code,
        position.is_exit,
        position.is_sold,
        position.is_late_sale,
        position.position_value / leg.portfolio_value as drifted_weight,
    from {{ position }} as position
    inner join
        {{ leg }} as leg
        on
            {{ same_keys(keys, "position", "leg") }}
            and position.signal_date = leg.signal_date
            and position.trade_date = leg.trade_date
    where position.is_exit or position.is_late_sale
),

target as (
    select
        {{ prefixed(keys, "rebalance") }},
        rebalance.signal_date,
        rebalance.execution_date,
        fill.asset_code,
        fill.filled_weight as target_weight,
        0 as drifted_weight,
    from rebalance
    inner join
        fill
        on
            {{ same_keys(keys, "rebalance", "fill") }}
            and rebalance.signal_date = fill.signal_date
),

drifted as (
    select
        {{ prefixed(keys, "rebalance") }},
        rebalance.signal_date,
        rebalance.execution_date,
        weighed.asset_code,
        0 as target_weight,
        weighed.drifted_weight,
    from rebalance
    inner join
        weighed
        on
            {{ same_keys(keys, "rebalance", "weighed") }}
            and rebalance.previous_signal_date = weighed.signal_date
    where weighed.is_exit and not weighed.is_sold
),

sold_late as (
    select
        {{ keys | join(", ") }},
        signal_date,
        trade_date as execution_date,
        asset_code,
        0 as target_weight,
        drifted_weight,
    from weighed
    where is_late_sale
),

side as (
    {%- for name in ["target", "drifted", "sold_late"] %}
    {{ "union all" if not loop.first }}
    select
        {{ keys | join(", ") }},
        signal_date,
        execution_date,
        asset_code,
        target_weight,
        drifted_weight,
    from {{ name }}
    {%- endfor %}
)

-- At most one row of each side, so the largest is the only one that is not zero.
select
    {{ keys | join(", ") }},
    signal_date,
    execution_date,
    asset_code,
    max(target_weight) as target_weight,
    max(drifted_weight) as drifted_weight,
from side
group by {{ keys | join(", ") }}, signal_date, execution_date, asset_code
{%- endmacro %}

{# Daily returns of runs, before and after cost, beside their benchmarks. -#}
{% macro rotation_return(keys, leg, rebalance, trade) -%}
with leg as (
    select
        {{ keys | join(", ") }},
        signal_date,
        trade_date,
        is_entry,
        leg_growth,
        held_count,
        carried_count,
    from {{ leg }}
),

rebalance as (
    select
        {{ keys | join(", ") }},
        signal_date,
        previous_signal_date,
        execution_date,
        asset_type,
        asset_pool,
        execution,
        two_way_cost,
        benchmark,
    from {{ rebalance }}
    where execution_date is not null
),

trade as (
    select
        {{ keys | join(", ") }},
        execution_date,
        {{ exact_sum("abs(target_weight - drifted_weight)", 18) }} as turnover
    from {{ trade }}
    group by {{ keys | join(", ") }}, execution_date
),

benchmark as (
    select
        benchmark,
        asset_type,
        asset_pool,
        trade_date,
        close_return,
        intraday_return,
    from {{ ref("int_benchmark_return_daily") }}
),

-- A rebalance day has two legs: the portfolio that ends, then the one that begins.
day_legs as (
    select
        {{ keys | join(", ") }},
        trade_date,
        max(signal_date) as signal_date,
        coalesce(max(leg_growth) filter (where not is_entry), 1) as ending_growth,
        coalesce(max(leg_growth) filter (where is_entry), 1) as beginning_growth,
        max_by(held_count, signal_date) as held_count,
        max_by(carried_count, signal_date) as carried_count,
    from leg
    group by {{ keys | join(", ") }}, trade_date
),

-- On its first day the strategy is invested from the execution on, and its benchmark
-- is measured from the same moment.
measured as (
    select
        {{ prefixed(keys, "day_legs") }},
        day_legs.trade_date,
        day_legs.signal_date,
        day_legs.ending_growth,
        day_legs.beginning_growth,
        coalesce(trade.turnover, 0) as turnover,
        coalesce(trade.turnover, 0) * rebalance.two_way_cost / 2 as cost,
        case
            when
                rebalance.execution_date < day_legs.trade_date
                or rebalance.previous_signal_date is not null
                then benchmark.close_return
            when rebalance.execution = 'next_open' then benchmark.intraday_return
            else 0
        end as benchmark_return,
        rebalance.execution_date = day_legs.trade_date as is_rebalance,
        day_legs.held_count,
        day_legs.carried_count,
    from day_legs
    inner join
        rebalance
        on
            {{ same_keys(keys, "day_legs", "rebalance") }}
            and day_legs.signal_date = rebalance.signal_date
    inner join
        benchmark
        on
            rebalance.benchmark = benchmark.benchmark
            -- An index is a benchmark of any pool.
            and rebalance.asset_type
            = coalesce(benchmark.asset_type, rebalance.asset_type)
            and rebalance.asset_pool
            = coalesce(benchmark.asset_pool, rebalance.asset_pool)
            and day_legs.trade_date = benchmark.trade_date
    left join
        trade
        on
            {{ same_keys(keys, "day_legs", "trade") }}
            and day_legs.trade_date = trade.execution_date
)

select
    {{ keys | join(", ") }},
    trade_date,
    signal_date,
    ending_growth * (1 - cost) * beginning_growth - 1 as strategy_return,
    ending_growth * beginning_growth - 1 as gross_return,
    benchmark_return,
    cost,
    turnover,
    is_rebalance,
    held_count,
    carried_count,
from measured
{%- endmacro %}
