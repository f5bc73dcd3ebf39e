select
    d.name_cn,
    d.name_en,
    m.trade_week,
    m.rank_ic,
    m.known_date,
    m.stock_count,
    m.excluded_count,
from scores.fct_model_ic_weekly as m
inner join core.dim_factor as d on m.model_code = d.factor_code
where
    -- The return of the five days ends after the week of the score.
    m.known_date <= $week
    and m.rank_ic is not null
qualify
    row_number() over (
        partition by m.model_code order by m.trade_week desc
    ) = 1
order by m.model_code
