{{ config(meta={"dagster": {"ref": {"name": "meta_published_figure"}}}) }}

-- The identity by which our inflows are checked gives the inflow that is printed beside
-- assets and return within 0.1 of 100 million CNY on at least eight in ten of the rows;
-- the others print the sum of the days. A returned row says on how many it does.
with printed as (
    select
        report_date,
        subject,
        {% for metric, column in [
            ("etf_aum_prev_week_end", "assets_previous_cny"),
            ("etf_aum_week_end", "assets_cny"),
            ("etf_weekly_return", "weekly_return"),
            ("etf_weekly_net_inflow", "net_inflow_cny"),
        ] -%}
        max(published_value) filter (where metric = '{{ metric }}') as {{ column }},
        {% endfor -%}
    from {{ ref("meta_published_figure") }}
    where system = 'fund_flow'
    group by report_date, subject
)

select
    count(*) as row_count,
    count(*) filter (
        where
        abs(
            {{ identity_inflow("assets_cny", "assets_previous_cny", "weekly_return") }}
            - net_inflow_cny
        )
        < 0.1e8
    ) as matched_count,
from printed
where
    assets_previous_cny is not null
    and assets_cny is not null
    and weekly_return is not null
    and net_inflow_cny is not null
having row_count = 0 or matched_count < 0.8 * row_count
