select
    concat(c.effect, '_', c.bucket) as bucket,
    c.mean_return,
    c.win_rate,
    c.mean_excess_return,
    c.excess_win_rate,
    c.observation_count,
    c.benchmark_code,
    (
        select max(i.trade_date),
        from microcap.fct_microcap_index_daily as i
        where i.index_code = c.index_code
    ) as last_date,
from microcap.fct_calendar_effect as c
where
    c.index_code = 'microcap400'
    and c.effect = $effect
order by c.bucket
