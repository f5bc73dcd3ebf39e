select
    s.index_class,
    s.score_rank,
    s.index_name,
    s.score,
    s.z_score,
    s.change,
    s.member_count,
from scores.fct_index_score_weekly as s
where
    s.trade_week = $week
    and s.model_code = 'fused'
    and s.score_rank <= 10
order by s.index_class, s.score_rank, s.index_code
