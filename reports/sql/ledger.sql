select
    coalesce(s.name_cn, l.strategy_code) as name_cn,
    coalesce(s.name_en, l.strategy_code) as name_en,
    max(l.annualised_return) filter (where l.rule_off = 'none') as annualised_return,
    max(l.annualised_excess) filter (where l.rule_off = 'none') as annualised_excess,
    max(l.difference) filter (where l.rule_off = 'next_open') as next_open,
    max(l.difference) filter (where l.rule_off = 'limits') as limits,
    max(l.difference) filter (where l.rule_off = 'suspension') as suspension,
    max(l.difference) filter (where l.rule_off = 'st') as st,
    max(l.difference) filter (where l.rule_off = 'delisting') as delisting,
    max(l.difference) filter (where l.rule_off = 'cost') as cost,
from rotation.fct_rule_ledger as l
left join core.dim_strategy as s on l.strategy_code = s.strategy_code
where l.period = 'all'
group by l.kind, l.strategy_code, s.name_cn, s.name_en
order by l.kind, l.strategy_code
