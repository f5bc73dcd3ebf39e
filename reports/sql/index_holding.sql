with index_names as (
    select
        x.index_code,
        max(x.index_name) as index_name,
    from scores.fct_index_score_weekly as x
    group by x.index_code
)

select
    s.name_cn as strategy_name_cn,
    s.name_en as strategy_name_en,
    h.signal_date,
    h.execution_date,
    coalesce(x.index_name, h.asset_code) as name,
    h.action,
from rotation.fct_rotation_holding as h
inner join core.dim_strategy as s on h.strategy_code = s.strategy_code
left join index_names as x on h.asset_code = x.index_code
where
    s.asset_type = 'index'
    and h.signal_date = (
        select max(latest.signal_date),
        from rotation.fct_rotation_holding as latest
        where
            latest.strategy_code = h.strategy_code
            and latest.signal_date <= $week
    )
order by h.strategy_code, h.action = 'out', h.rank, h.asset_code
