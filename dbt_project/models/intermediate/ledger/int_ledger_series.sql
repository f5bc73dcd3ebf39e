-- Returns of everything in the ledger under one shape. The index is brought back to
-- equal weights every day at the cost of the paper index, whose weights drift alike.
with strategy_return as (
    select
        strategy_code,
        trade_date,
        strategy_return,
        gross_return,
        benchmark_return,
    from {{ ref("int_rotation_return_daily") }}
),

rule as (
    select
        strategy_code,
        rule_off,
        reason,
    from {{ ref("int_ledger_rule") }}
),

run_return as (
    select
        strategy_code,
        rule_off,
        trade_date,
        strategy_return,
        benchmark_return,
    from {{ ref("int_ledger_return_daily") }}
),

index_return as (
    select
        ledger.index_code,
        ledger.rule_off,
        ledger.trade_date,
        ledger.gross_return,
        (1 + ledger.gross_return) * (1 - microcap_index.cost) - 1 as net_return,
        microcap_index.index_return as benchmark_return,
    from {{ ref("int_ledger_index_daily") }} as ledger
    inner join
        {{ ref("int_microcap_index_daily") }} as microcap_index
        on
            ledger.index_code = microcap_index.index_code
            and ledger.trade_date = microcap_index.trade_date
    where
        microcap_index.index_return is not null
        and microcap_index.tradable_return is not null
        and microcap_index.cost is not null
),

layer_return as (
    select
        strategy_code,
        rule_off,
        trade_week,
        day_count,
        layer_return,
        benchmark_return,
    from {{ ref("int_hindsight_layer_weekly") }}
)

select
    'strategy' as kind,
    strategy_code,
    'none' as rule_off,
    trade_date,
    1 as day_count,
    strategy_return,
    benchmark_return,
from strategy_return
union all
select
    'strategy' as kind,
    strategy_return.strategy_code,
    rule.rule_off,
    strategy_return.trade_date,
    1 as day_count,
    strategy_return.gross_return as strategy_return,
    strategy_return.benchmark_return,
from strategy_return
inner join rule on strategy_return.strategy_code = rule.strategy_code
where
    rule.rule_off = 'cost'
    and rule.reason is null
union all
select
    'strategy' as kind,
    strategy_code,
    rule_off,
    trade_date,
    1 as day_count,
    strategy_return,
    benchmark_return,
from run_return
union all
select
    'index' as kind,
    index_code as strategy_code,
    rule_off,
    trade_date,
    1 as day_count,
    net_return as strategy_return,
    benchmark_return,
from index_return
union all
select
    'index' as kind,
    index_code as strategy_code,
    'cost' as rule_off,
    trade_date,
    1 as day_count,
    gross_return as strategy_return,
    benchmark_return,
from index_return
where rule_off = 'none'
union all
select
    'layer' as kind,
    strategy_code,
    rule_off,
    trade_week as trade_date,
    day_count,
    layer_return as strategy_return,
    benchmark_return,
from layer_return
