select
    -- A layer is called universe:factor:layer; here all are of all stocks.
    coalesce(
        s.name_cn,
        d.name_cn || '，第' || split_part(l.strategy_code, ':', 3) || '层',
        l.strategy_code
    ) as name_cn,
    coalesce(
        s.name_en,
        d.name_en || ', layer ' || split_part(l.strategy_code, ':', 3),
        l.strategy_code
    ) as name_en,
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
left join core.dim_factor as d
    on
        l.kind = 'layer'
        and starts_with(l.strategy_code, 'all:')
        and split_part(l.strategy_code, ':', 2) = d.factor_code
where l.period = 'all'
group by l.kind, l.strategy_code, s.name_cn, s.name_en, d.name_cn, d.name_en
order by l.kind, l.strategy_code
