-- question: What are the high-frequency factors of a stock on a day, and from what?
-- parameter: stock (text): Security code, or the name.
-- parameter: day (date) = latest_day(): Trading day.
-- known: day: select distinct h.trade_date from
--     factors.fct_high_frequency_factor_daily as h
-- known: stock: select unnest([s.security_code, s.name]) from core.dim_security as s
-- column: factor_code (text): Factor.
-- column: name_cn (text): Its Chinese name.
-- column: value (number): Value of the day; empty where it does not exist.
-- column: unit (text): Its unit.
-- column: sign (integer): Published direction.
-- column: source (text): tick or minute_proxy of factors of trades and orders, else
--     minute_bar.
-- column: null_reason (text): Why a value of the day is empty.
-- rows: some
with stock_day as (
    select
        h.trade_source,
        h.order_source,
        h.null_reason,
        unnest([
            'late_skew_ret',
            'down_vol_perc',
            'corr_ret_lastret',
            'corr_close_nextopen',
            'volume_perc2',
            'volume_perc3',
            'volume_perc4',
            'volume_perc5',
            'volume_perc6',
            'volume_perc7',
            'corr_volume_item',
            'early_corr_volume_ret',
            'bigorder_ret',
            'down_single_amt_perc',
            'corr_volume_amplitude',
            'bigorder_amt_perc',
            'early_bigorder_buy_perc',
            'bigorder_ret2',
            'early_active_bigorder_ret',
            'concentration_diff',
            'early_active_buy_perc',
            'corr_netactivebuy_lastret',
            'corr_netactivebuy_nextret',
            'skew_order_diff',
            'kurt_order_diff',
            'early_kurt_order',
            'corr_buyorder_volume_price'
        ]) as factor_code,
        unnest([
            h.late_skew_ret,
            h.down_vol_perc,
            h.corr_ret_lastret,
            h.corr_close_nextopen,
            h.volume_perc2,
            h.volume_perc3,
            h.volume_perc4,
            h.volume_perc5,
            h.volume_perc6,
            h.volume_perc7,
            h.corr_volume_item,
            h.early_corr_volume_ret,
            h.bigorder_ret,
            h.down_single_amt_perc,
            h.corr_volume_amplitude,
            h.bigorder_amt_perc,
            h.early_bigorder_buy_perc,
            h.bigorder_ret2,
            h.early_active_bigorder_ret,
            h.concentration_diff,
            h.early_active_buy_perc,
            h.corr_netactivebuy_lastret,
            h.corr_netactivebuy_nextret,
            h.skew_order_diff,
            h.kurt_order_diff,
            h.early_kurt_order,
            h.corr_buyorder_volume_price
        ]) as factor_value,
        unnest(range(1, 28)) as factor_number,
    from factors.fct_high_frequency_factor_daily as h
    where
        h.trade_date = $day
        and h.security_code in (
            select s.security_code,
            from core.dim_security as s
            where $stock in (s.security_code, s.name)
        )
)

select
    d.factor_code,
    f.name_cn,
    d.factor_value as value,
    f.unit,
    f.sign,
    case
        when d.factor_number >= 24 then d.order_source
        when d.factor_number >= 16 then d.trade_source
        else 'minute_bar'
    end as source,
    case when d.factor_value is null then d.null_reason end as null_reason,
from stock_day as d
inner join core.dim_factor as f on d.factor_code = f.factor_code
order by d.factor_number
