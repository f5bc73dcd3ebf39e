with behind_strategy as (
    select s.variant as model_code,
    from core.dim_strategy as s
    where
        s.score_source = 'model_score'
        and s.asset_type = 'industry'
    group by s.variant
),

ranked as (
    select
        s.*,
        count(s.score_rank) over (
            partition by s.model_code, s.industry_system
        ) as ranked_count,
    from scores.fct_industry_score_weekly as s
    semi join behind_strategy as b on s.model_code = b.model_code
    where
        s.trade_week = $week
        -- The pool of the rotation on the fused score is a system of its own.
        and s.industry_system
        = if(s.model_code = 'fused', 'pool32', $industry_system)
        and s.score is not null
)

select
    f.name_cn as model_name_cn,
    f.name_en as model_name_en,
    r.industry_system,
    r.score_rank,
    i.name_cn,
    i.name_en,
    r.score,
    r.z_score,
    r.change,
    r.member_count,
from ranked as r
inner join core.dim_industry as i
    on
        r.industry_system = i.industry_system
        and r.industry_code = i.industry_code
left join core.dim_factor as f on r.model_code = f.factor_code
where r.score_rank <= 6 or r.score_rank > r.ranked_count - 6
order by r.model_code, r.industry_system, r.score_rank, r.industry_code
