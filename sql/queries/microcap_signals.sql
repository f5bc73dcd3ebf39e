-- question: When did the timing methods of the micro-cap index fire, and what did the
--     index do until the next signal of the same method?
-- parameter: basket (text) = 'microcap400': Basket of stocks.
-- parameter: since (date) = date '1990-01-01': First day asked for.
-- known: basket: select distinct k.index_code from microcap.fct_microcap_timing_daily
--     as k
-- column: method (text): Timing method.
-- column: trade_date (date): Day of the signal, known at its close.
-- column: action (text): enter or exit.
-- column: diffusion_index (number): Diffusion index that day.
-- column: next_signal_date (date): Day of the method's next signal.
-- column: index_return_until (number): Return of the index from the close after the
--     signal to the close after the next one, or to the last day.
-- rows: some
with signal as (
    select
        s.method,
        s.trade_date,
        s.action,
        s.diffusion_index,
        lead(s.trade_date) over (
            partition by s.method order by s.trade_date
        ) as next_signal_date,
    from microcap.fct_microcap_signal as s
    where s.index_code = $basket
),

leg as (
    select
        t.method,
        t.trade_date,
        t.index_return,
        lag(t.trade_date, 2) over (
            partition by t.method order by t.trade_date
        ) as signal_day,
    from microcap.fct_microcap_timing_daily as t
    where
        t.index_code = $basket
        and t.variant = 'tradable'
)

select
    s.method,
    s.trade_date,
    s.action,
    s.diffusion_index,
    s.next_signal_date,
    compound_return(l.index_return) as index_return_until,
from signal as s
left join leg as l
    on
        s.method = l.method
        and s.trade_date <= l.signal_day
        and (s.next_signal_date > l.signal_day or s.next_signal_date is null)
where s.trade_date >= $since
group by
    s.method, s.trade_date, s.action, s.diffusion_index, s.next_signal_date
order by s.method, s.trade_date
