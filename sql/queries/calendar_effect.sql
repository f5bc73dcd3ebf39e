-- question: On which weekdays and in which months does the micro-cap index do well?
-- parameter: index (text) = 'microcap400': Code of the micro-cap index.
-- known: index: select distinct c.index_code from microcap.fct_calendar_effect as c
-- column: effect (text): weekday or month.
-- column: bucket (integer): Day of the week, 1 for Monday; month of the year.
-- column: mean_return (number): Mean return of such a day or month.
-- column: win_rate (number): Share above zero.
-- column: mean_excess_return (number): Mean return less the broad index's.
-- column: excess_win_rate (number): Share of these above zero.
-- column: observation_count (integer): Days or months counted.
-- column: benchmark_code (text): Broad index.
-- rows: some
select
    c.effect,
    c.bucket,
    c.mean_return,
    c.win_rate,
    c.mean_excess_return,
    c.excess_win_rate,
    c.observation_count,
    c.benchmark_code,
from microcap.fct_calendar_effect as c
where c.index_code = $index
order by c.effect desc, c.bucket asc
