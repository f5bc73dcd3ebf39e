select
    t.known_date,
    t.security_code,
    s.name,
    t.broker,
    t.encoder_code,
    t.score,
    t.up_log_odds,
    t.down_log_odds,
    t.corpus_cutoff_date,
from scores.fct_text_score as t
inner join core.dim_trade_week as w
    on t.known_date between w.first_day and w.last_day
left join core.dim_security as s on t.security_code = s.security_code
where
    w.trade_week = $week
    and t.score is not null
order by t.score desc, t.encoder_code asc, t.report_id asc
