select
    f.ic_rank,
    d.name_cn,
    d.name_en,
    f.rank_ic,
    f.tradable_rank_ic,
    f.historical_mean_ic,
    f.icir,
    f.t_value,
    f.week_count,
    f.member_count,
    f.unfillable_share,
from microcap.fct_microcap_factor_ic_weekly as f
inner join core.dim_factor as d on f.factor_code = d.factor_code
where
    f.trade_week = $week
    and f.rank_ic is not null
order by f.ic_rank, f.factor_code
