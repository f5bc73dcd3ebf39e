-- After a day without a bar, a return of two days would be taken for one of one day.
with index_bar as (
    select
        bar.index_code,
        bar.trade_date,
        case
            when
                trading_day.day_index - 1 = lag(trading_day.day_index) over (
                    partition by bar.index_code order by bar.trade_date
                )
                then
                    bar.close / lag(bar.close) over (
                        partition by bar.index_code order by bar.trade_date
                    ) - 1
        end as index_return,
    from {{ ref("stg_index_bar") }} as bar
    inner join {{ ref("int_trading_day") }} as trading_day
        on bar.trade_date = trading_day.trade_date
    where trading_day.is_loaded
)

select
    index_code,
    trade_date,
    index_return,
from {{ ref("int_microcap_index_daily") }}
where index_code in ({{ basket_codes() }})
union all
select
    index_code,
    trade_date,
    index_return,
from index_bar
where index_code in ({{ basket_codes() }})
union all
select
    industry_system || ':' || industry_code as index_code,
    trade_date,
    float_cap_return as index_return,
from {{ ref("int_industry_return_daily") }}
where industry_system || ':' || industry_code in ({{ basket_codes() }})
