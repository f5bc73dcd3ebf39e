-- question: What is each market rule worth: what would a strategy, the micro-cap index
--     or a factor's layer have earned without it?
-- parameter: strategy (text) = 'low_volatility_50': Code of the strategy, microcap400,
--     or a layer such as all:log_market_cap:1.
-- parameter: year (text) = 'all': A year such as 2023, or all.
-- known: strategy: select distinct k.strategy_code from rotation.fct_rule_ledger as k
-- known: strategy: select distinct r.strategy_code from rotation.fct_rule_ledger as r
-- known: year: select distinct r.period from rotation.fct_rule_ledger as r
-- column: strategy_code (text): What is taken apart.
-- column: rule_off (text): Rule switched off; none for all rules on.
-- column: annualised_return (number): Annualised return without the rule.
-- column: annualised_excess (number): The same less the benchmark's.
-- column: difference (number): Annualised return less the one with all rules on.
-- column: day_count (integer): Trading days behind it.
-- column: reason (text): Why there is no figure.
-- rows: some
select
    r.strategy_code,
    r.rule_off,
    r.annualised_return,
    r.annualised_excess,
    r.difference,
    r.day_count,
    r.reason,
from rotation.fct_rule_ledger as r
where
    r.strategy_code = $strategy
    and r.period = $year
order by r.rule_off <> 'none' asc, r.difference desc nulls last, r.rule_off asc
