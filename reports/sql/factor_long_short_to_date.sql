with by_universe as (
    select
        c.factor_code,
        max(c.last_week) as last_week,
        max(c.month_to_date_long_short_paper_return) filter (
            where c.universe = 'all'
        ) as all_month,
        max(c.year_to_date_long_short_paper_return) filter (
            where c.universe = 'all'
        ) as all_year,
        max(c.month_to_date_long_short_paper_return) filter (
            where c.universe = 'csi300'
        ) as csi300_month,
        max(c.year_to_date_long_short_paper_return) filter (
            where c.universe = 'csi300'
        ) as csi300_year,
        max(c.month_to_date_long_short_paper_return) filter (
            where c.universe = 'csi500'
        ) as csi500_month,
        max(c.year_to_date_long_short_paper_return) filter (
            where c.universe = 'csi500'
        ) as csi500_year,
        max(c.month_to_date_long_short_paper_return) filter (
            where c.universe = 'csi1000'
        ) as csi1000_month,
        max(c.year_to_date_long_short_paper_return) filter (
            where c.universe = 'csi1000'
        ) as csi1000_year,
    from bi.mart_factor_scorecard as c
    group by c.factor_code
    having count(c.year_to_date_long_short_paper_return) > 0
)

select
    d.name_cn,
    d.name_en,
    u.last_week,
    u.all_month,
    u.all_year,
    u.csi300_month,
    u.csi300_year,
    u.csi500_month,
    u.csi500_year,
    u.csi1000_month,
    u.csi1000_year,
from by_universe as u
inner join core.dim_factor as d on u.factor_code = d.factor_code
order by u.all_year desc nulls last, u.factor_code asc
