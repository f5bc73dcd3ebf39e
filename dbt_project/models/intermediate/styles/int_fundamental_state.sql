{{
    config(
        materialized="incremental",
        incremental_strategy="rewrite_window",
        on_schema_change="fail",
        meta={"window_column": "valid_from"},
    )
}}

{%- set lines = [
    "market_cap_cny",
    "pe_ratio",
    "pb_ratio",
    "ps_ratio",
    "dividend_yield",
    "return_on_equity",
    "debt_to_assets",
    "revenue_cny",
    "net_profit_cny",
    "operating_cash_flow_cny",
    "total_assets_cny",
    "total_liabilities_cny",
    "long_term_debt_cny",
    "book_equity_cny",
] %}
{#- Flows of the year to date and the quarters, before the newest, at which they are
    needed; `annual` is the last full year, `annual_before` the one before it. -#}
{%- set flows = {
    "profit": "net_profit_cny",
    "sales": "revenue_cny",
    "cash_flow": "operating_cash_flow_cny",
} %}
{%- set ages = {
    "0": "age = 0",
    "1": "age = 1",
    "4": "age = 4",
    "5": "age = 5",
    "8": "age = 8",
    "annual": "age = newest_quarter",
    "annual_before": "age = newest_quarter + 4",
} %}

-- A row with a market cap alone tells of share counts, not of accounts.
with account as (
    select
        security_code,
        period_end,
        known_date,
        {% for line in lines -%}
        {{ line }},
        {% endfor %}
    from {{ ref("stg_fundamental") }}
    where
        coalesce(
            {%- for line in lines[1:] %}
            {{ line }}{{ "," if not loop.last }}
            {%- endfor %}
        ) is not null
),

event as (
    select
        security_code,
        known_date,
    from account
    where {{ in_build_window("known_date") }}
    group by security_code, known_date
),

-- What was known on each day on which something became known: of each of the last three
-- years' periods the newest version of each line.
known as (
    select
        event.security_code,
        event.known_date,
        account.period_end,
        4 * year(account.period_end) + quarter(account.period_end) as quarter_index,
        {% for line in lines -%}
        {{ newest_known("account." ~ line, "account.known_date") }} as {{ line }},
        {% endfor %}
    from event
    inner join account
        on
            event.security_code = account.security_code
            and event.known_date >= account.known_date
            and event.known_date
            < account.period_end
            + 3 * 366
            + {{ var("style_windows").report_age_days }}
    group by event.security_code, event.known_date, account.period_end
),

aged as (
    select
        *,
        max(quarter_index) over by_event - quarter_index as age,
        (max(quarter_index) over by_event - 1) % 4 + 1 as newest_quarter,
        market_cap_cny / nullif(pe_ratio, 0) as ratio_profit_cny,
        market_cap_cny / nullif(ps_ratio, 0) as ratio_sales_cny,
        market_cap_cny / nullif(pb_ratio, 0) as ratio_book_cny,
        market_cap_cny * dividend_yield as ratio_dividend_cny,
    from known
    window by_event as (partition by security_code, known_date)
),

side_by_side as (
    select
        security_code,
        known_date,
        newest_quarter,
        max(period_end) as period_end,
        {% for name, line in flows.items() -%}
        {% for age, condition in ages.items() -%}
        max({{ line }}) filter (where {{ condition }}) as {{ name }}_{{ age }},
        {% endfor -%}
        {% endfor -%}
        {% for name in ["profit", "sales"] -%}
        {% for age in ["0", "4"] -%}
        max(ratio_{{ name }}_cny) filter (where {{ ages[age] }})
            as ratio_{{ name }}_{{ age }},
        {% endfor -%}
        {% endfor -%}
        max(return_on_equity) filter (where age = 0) as equity_return_0,
        max(return_on_equity) filter (where age = 1) as equity_return_1,
        max(ratio_dividend_cny) filter (where age = 0) as dividend_cny,
        max(debt_to_assets) filter (where age = 0) as ratio_debt_to_assets,
        max(total_assets_cny) filter (where age = 0) as total_assets_cny,
        max(total_liabilities_cny) filter (where age = 0) as total_liabilities_cny,
        max(long_term_debt_cny) filter (where age = 0) as long_term_debt_cny,
        max(book_equity_cny) filter (where age = 0) as reported_book_cny,
        max(ratio_book_cny) filter (where age = 0) as ratio_book_cny,
    from aged
    group by security_code, known_date, newest_quarter
),

-- Reports state the year to date: a quarter is a difference within the year, twelve
-- months are this year's part, plus last year's whole, less last year's part.
periods as (
    select
        *,
        {% for name in flows -%}
        case
            when newest_quarter = 4 then {{ name }}_0
            else {{ name }}_0 + {{ name }}_annual - {{ name }}_4
        end as {{ name }}_ttm_0,
        case
            when newest_quarter = 4 then {{ name }}_4
            else {{ name }}_4 + {{ name }}_annual_before - {{ name }}_8
        end as {{ name }}_ttm_4,
        {% endfor -%}
        {% for name in ["profit", "sales"] -%}
        case
            when newest_quarter = 1 then {{ name }}_0
            else {{ name }}_0 - {{ name }}_1
        end as {{ name }}_quarter_0,
        case
            when newest_quarter = 1 then {{ name }}_4
            else {{ name }}_4 - {{ name }}_5
        end as {{ name }}_quarter_4,
        {% endfor -%}
        case
            when newest_quarter = 1 then equity_return_0
            else equity_return_0 - equity_return_1
        end as ratio_roe_q,
    from side_by_side
)

select
    security_code,
    known_date as valid_from,
    period_end,
    coalesce(profit_ttm_0, ratio_profit_0) as profit_ttm_cny,
    cash_flow_ttm_0 as cash_flow_ttm_cny,
    coalesce(reported_book_cny, ratio_book_cny) as book_cny,
    long_term_debt_cny,
    coalesce(
        total_liabilities_cny / nullif(total_assets_cny, 0), ratio_debt_to_assets
    ) as debt_to_assets,
    dividend_cny,
    -- A return on equity that is not there, or negative, means nothing.
    coalesce(
        case
            when reported_book_cny > 0 then profit_quarter_0 / reported_book_cny
        end,
        ratio_roe_q
    ) as roe_q,
    (profit_quarter_0 - profit_quarter_4) / nullif(abs(profit_quarter_4), 0)
        as profit_growth_q,
    -- A ratio of the market cap tells the sales of a year alone.
    (sales_quarter_0 - sales_quarter_4) / nullif(abs(sales_quarter_4), 0)
        as sales_growth_q,
    coalesce(
        (sales_ttm_0 - sales_ttm_4) / nullif(abs(sales_ttm_4), 0),
        (ratio_sales_0 - ratio_sales_4) / nullif(abs(ratio_sales_4), 0)
    ) as sales_growth,
    coalesce(
        (profit_ttm_0 - profit_ttm_4) / nullif(abs(profit_ttm_4), 0),
        (ratio_profit_0 - ratio_profit_4) / nullif(abs(ratio_profit_4), 0)
    ) as earnings_growth,
from periods
