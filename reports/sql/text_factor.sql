select
    f.trade_month_end,
    f.encoder_code,
    f.text_rank,
    f.security_code,
    s.name,
    f.text_score,
    f.report_count,
    f.composite_score,
from scores.fct_text_factor_monthly as f
left join core.dim_security as s on f.security_code = s.security_code
where
    f.text_rank <= 25
    and f.trade_month_end = (
        select max(latest.trade_month_end),
        from scores.fct_text_factor_monthly as latest
        where latest.trade_month_end <= $week
    )
order by f.encoder_code, f.text_rank, f.security_code
