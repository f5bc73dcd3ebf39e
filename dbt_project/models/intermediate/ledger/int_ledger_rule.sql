-- Every rule of every strategy: with a run of its own, read off the strategy's own
-- returns, or not applicable, with the reason.
with strategy as (
    select
        strategy_code,
        asset_type,
        asset_pool,
        execution,
        fills,
        two_way_cost,
        benchmark,
        top_n,
        layer_count,
        score_source,
    from {{ ref("strategy") }}
),

rule as (
    select unnest([{{ "'" ~ ledger_rules() | join("', '") ~ "'" }}]) as rule_off
),

judged as (
    select
        strategy.*,
        rule.rule_off,
        case
            when rule.rule_off = 'none' then null
            when rule.rule_off = 'cost' and strategy.two_way_cost = 0
                then 'bears no cost'
            when
                rule.rule_off = 'next_open'
                and strategy.execution = 'signal_close'
                then 'trades at the close of its signal anyway'
            when
                rule.rule_off in ('limits', 'suspension')
                and strategy.fills = 'assumed'
                then 'fills are assumed: nothing is refused'
            when
                rule.rule_off in ('st', 'delisting')
                and strategy.asset_type = 'industry'
                then 'industries are held with all their members of the day'
            -- A solver keeps what it takes for untradable.
            when
                (
                    rule.rule_off in ('st', 'delisting')
                    and strategy.score_source <> 'low_volatility'
                )
                or (
                    rule.rule_off in ('limits', 'suspension')
                    and strategy.score_source = 'enhancement'
                )
                then
                    'lists of ' || strategy.score_source
                    || ' are not made without the rule'
        end as reason,
    from strategy
    cross join rule
)

select
    strategy_code,
    rule_off,
    asset_type,
    asset_pool,
    score_source,
    top_n,
    layer_count,
    case when rule_off = 'next_open' then 'signal_close' else execution end
        as execution,
    fills,
    two_way_cost,
    benchmark,
    reason is null and rule_off not in ('none', 'cost') as has_own_run,
    reason,
from judged
