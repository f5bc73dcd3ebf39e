{{
    config(
        severity="warn",
        meta={"dagster": {"ref": {"name": "fct_etf_flow_daily"}}},
    )
}}

-- A split is recognised on a day on which shares and adjustment factor jump. Where the
-- two have it on different days, the jump of the shares counts as a flow of about the
-- fund's assets. A row is a jump of the factor and one of the shares, the same way and
-- within five days, neither taken for a split.
with jump as (
    select
        daily.etf_code,
        daily.trade_date,
        daily.net_inflow_cny / nullif(daily.assets_previous_cny, 0) as inflow_share,
        daily.split_ratio,
        ln(
            nullif(daily.total_shares, 0)
            / nullif(lag(daily.total_shares) over by_day, 0)
        ) as log_share_ratio,
        ln(bar.adjust_factor / lag(bar.adjust_factor) over by_day) as log_factor_ratio,
        row_number() over by_day as place,
    from {{ ref("fct_etf_flow_daily") }} as daily
    inner join {{ ref("stg_etf_bar") }} as bar
        on
            daily.etf_code = bar.etf_code
            and daily.trade_date = bar.trade_date
    window by_day as (partition by daily.etf_code order by daily.trade_date)
)

select
    jump_of_factor.etf_code,
    jump_of_factor.trade_date as factor_date,
    jump_of_shares.trade_date as shares_date,
    exp(jump_of_factor.log_factor_ratio) as factor_ratio,
    exp(jump_of_shares.log_share_ratio) as share_ratio,
    jump_of_shares.inflow_share,
from jump as jump_of_factor
inner join jump as jump_of_shares
    on
        jump_of_factor.etf_code = jump_of_shares.etf_code
        and abs(jump_of_factor.place - jump_of_shares.place) between 1 and 5
        and sign(jump_of_factor.log_factor_ratio)
        = sign(jump_of_shares.log_share_ratio)
where
    jump_of_factor.split_ratio = 1
    and jump_of_shares.split_ratio = 1
    and abs(jump_of_factor.log_factor_ratio)
    >= ln({{ var("etf_split_minimum_ratio") }})
    and abs(jump_of_shares.log_share_ratio)
    >= ln({{ var("etf_split_minimum_ratio") }})
