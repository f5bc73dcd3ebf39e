with etf_week as (
    select
        etf_code,
        trade_week,
        net_inflow_cny,
        assets_previous_cny,
        assets_cny,
        weekly_return,
        'share counts times ' || case price_source
            when 'net_asset_value' then 'net asset values'
            when 'close' then 'closes'
            else 'net asset values or closes'
        end as basis,
    from {{ ref("fct_etf_flow_weekly") }}
),

class_week as (
    select
        etf_class,
        trade_week,
        net_inflow_cny,
    from {{ ref("fct_etf_flow_class_weekly") }}
),

margin_week as (
    select
        industry_system,
        industry_code,
        trade_week,
        financing_balance_change_cny,
    from {{ ref("fct_margin_flow_weekly") }}
    where industry_code <> {{ market_code() }}
),

industry as (
    select
        subject_code as industry_code,
        stand_in_code,
    from {{ ref("published_subject") }}
    where subject_kind = 'industry'
),

-- CITIC where it is loaded, else the Shenwan industry of that name.
margin_value as (
    select
        industry_code,
        trade_week,
        financing_balance_change_cny,
        1 as basis_order,
        'balances of the members of CITIC level 1' as basis,
    from margin_week
    where industry_system = 'citic1'
    union all
    select
        industry.industry_code,
        margin_week.trade_week,
        margin_week.financing_balance_change_cny,
        2 as basis_order,
        'balances of the members of Shenwan level 1 in place of CITIC level 1' as basis,
    from margin_week
    inner join industry on margin_week.industry_code = industry.stand_in_code
    where margin_week.industry_system = 'shenwan1'
),

margin_chosen as (
    select
        industry_code,
        trade_week,
        financing_balance_change_cny,
        basis,
    from margin_value
    qualify basis_order = min(basis_order) over (partition by trade_week)
),

own_value as (
    {% for metric, column in [
        ("etf_weekly_net_inflow", "net_inflow_cny"),
        ("etf_aum_prev_week_end", "assets_previous_cny"),
        ("etf_aum_week_end", "assets_cny"),
        ("etf_weekly_return", "weekly_return"),
    ] -%}
    select
        '{{ metric }}' as metric,
        etf_code as subject_code,
        trade_week as as_of_date,
        {{ column }} as own_value,
        basis,
    from etf_week
    union all
    {% endfor -%}
    select
        'etf_category_weekly_net_inflow' as metric,
        etf_class as subject_code,
        trade_week as as_of_date,
        net_inflow_cny as own_value,
        'sum of the loaded funds of the class' as basis,
    from class_week
    union all
    select
        'margin_balance_weekly_change' as metric,
        industry_code as subject_code,
        trade_week as as_of_date,
        financing_balance_change_cny as own_value,
        basis,
    from margin_chosen
)

select
    cast('fund_flow' as varchar) as system,
    cast(metric as varchar) as metric,
    cast(subject_code as varchar) as subject_code,
    cast(as_of_date as date) as as_of_date,
    cast(own_value as double) as own_value,
    cast(null as boolean) as is_signal,
    cast(basis as varchar) as basis,
from own_value
