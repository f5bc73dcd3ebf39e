select
    c.effect,
    concat(c.effect, '_', c.bucket) as bucket,
    c.mean_return,
    c.win_rate,
    c.mean_excess_return,
    c.excess_win_rate,
    c.observation_count,
    c.benchmark_code,
from microcap.fct_calendar_effect as c
where c.index_code = 'microcap400'
order by c.effect desc, c.bucket asc
