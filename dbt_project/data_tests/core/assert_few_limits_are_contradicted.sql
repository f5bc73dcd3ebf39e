{{
    config(
        severity="warn",
        meta={"dagster": {"ref": {"name": "fct_tradability_daily"}}},
    )
}}

-- Trading beyond the price that the rules give should be rare: relistings, and errors
-- of references. A row is a year with more than one such day in a thousand traded.
select
    year(trade_date) as trade_year,
    count(*) filter (where limit_source = 'contradicted') as contradicted_count,
    count(limit_source) as traded_count,
from {{ ref("fct_tradability_daily") }}
where {{ in_build_window("trade_date") }}
group by year(trade_date)
having
    count(*) filter (where limit_source = 'contradicted')
    > greatest(5, 0.001 * count(limit_source))
