-- A rule is worth what the same run earns without it, over the same days. 242 trading
-- days are a year; below minimum_days what is annualised would be noise.
{% set days_per_year = 242 %}
{% set minimum_days = 20 %}

with series as (
    select
        kind,
        strategy_code,
        rule_off,
        trade_date,
        day_count,
        cast(ln(1 + strategy_return) as decimal(38, 18)) as strategy_log,
        cast(ln(1 + benchmark_return) as decimal(38, 18)) as benchmark_log,
    from {{ ref("int_ledger_series") }}
),

common_day as (
    select
        strategy_code,
        trade_date,
        strategy_log as base_log,
    from series
    where rule_off = 'none'
),

period_return as (
    select
        series.kind,
        series.strategy_code,
        series.rule_off,
        unnest(['all', cast(year(series.trade_date) as varchar)]) as period,
        series.day_count,
        series.strategy_log,
        series.benchmark_log,
        common_day.base_log,
    from series
    inner join
        common_day
        on
            series.strategy_code = common_day.strategy_code
            and series.trade_date = common_day.trade_date
),

summed as (
    select
        kind,
        strategy_code,
        rule_off,
        period,
        sum(day_count) as day_count,
        exp(
            cast(sum(strategy_log) as double) * {{ days_per_year }} / sum(day_count)
        ) - 1 as annualised_return,
        exp(
            cast(sum(benchmark_log) as double) * {{ days_per_year }} / sum(day_count)
        ) - 1 as annualised_benchmark_return,
        exp(
            cast(sum(base_log) as double) * {{ days_per_year }} / sum(day_count)
        ) - 1 as base_return,
    from period_return
    group by kind, strategy_code, rule_off, period
),

base as (
    select
        kind,
        strategy_code,
        period,
    from summed
    where rule_off = 'none'
),

rule as (
    select unnest([{{ "'" ~ ledger_rules() | join("', '") ~ "'" }}]) as rule_off
),

-- Every rule of every period, whether there is a figure or a reason.
wanted as (
    select
        base.kind,
        base.strategy_code,
        rule.rule_off,
        base.period,
    from base
    cross join rule
),

strategy_rule as (
    select
        strategy_code,
        rule_off,
        reason,
    from {{ ref("int_ledger_rule") }}
),

explained as (
    select
        wanted.kind,
        wanted.strategy_code,
        wanted.rule_off,
        wanted.period,
        summed.base_return,
        summed.annualised_return,
        summed.annualised_benchmark_return,
        coalesce(summed.day_count, 0) as day_count,
        case
            when summed.day_count >= {{ minimum_days }} then null
            when summed.day_count is not null then 'fewer than {{ minimum_days }} days'
            when wanted.kind = 'layer' and wanted.rule_off = 'cost'
                then 'layers bear no cost'
            else coalesce(strategy_rule.reason, 'no returns without the rule')
        end as reason,
    from wanted
    left join
        summed
        on
            wanted.strategy_code = summed.strategy_code
            and wanted.rule_off = summed.rule_off
            and wanted.period = summed.period
    left join
        strategy_rule
        on
            wanted.strategy_code = strategy_rule.strategy_code
            and wanted.rule_off = strategy_rule.rule_off
)

select
    cast(strategy_code as varchar) as strategy_code,
    cast(rule_off as varchar) as rule_off,
    cast(period as varchar) as period,
    cast(kind as varchar) as kind,
    cast(case when reason is null then annualised_return end as double)
        as annualised_return,
    cast(case when reason is null then annualised_benchmark_return end as double)
        as annualised_benchmark_return,
    cast(
        case
            when reason is null then annualised_return - annualised_benchmark_return
        end as double
    ) as annualised_excess,
    cast(case when reason is null then annualised_return - base_return end as double)
        as difference,
    cast(day_count as integer) as day_count,
    cast(reason as varchar) as reason,
from explained
