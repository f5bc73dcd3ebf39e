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
        h.*,
        to_json(h) as value_of,
    from factors.fct_high_frequency_factor_daily as h
    where
        h.trade_date = $day
        and h.security_code in (
            select s.security_code,
            from core.dim_security as s
            where $stock in (s.security_code, s.name)
        )
),

factor as (
    select
        f.factor_code,
        f.name_cn,
        f.unit,
        f.sign,
        row_number() over (order by c.column_index) as factor_number,
    from core.dim_factor as f
    inner join duckdb_columns() as c on f.factor_code = c.column_name
    where c.table_name = 'fct_high_frequency_factor_daily'
)

select
    f.factor_code,
    f.name_cn,
    cast(json_extract(d.value_of, f.factor_code) as double) as value,
    f.unit,
    f.sign,
    case
        when f.factor_number >= 24 then d.order_source
        when f.factor_number >= 16 then d.trade_source
        else 'minute_bar'
    end as source,
    case
        when json_extract_string(d.value_of, f.factor_code) is null then d.null_reason
    end as null_reason,
from stock_day as d
cross join factor as f
order by f.factor_number
