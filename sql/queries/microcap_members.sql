-- question: Which stocks joined and left the micro-cap index in a week?
-- parameter: week (date) = latest_week(): Any day of the exchange week asked for.
-- known: week as week_of($week): select w.trade_week from core.dim_trade_week as w
--     where w.first_day <= latest_day()
-- column: trade_date (date): Day at whose close the list changed.
-- column: action (text): in or out.
-- column: security_code (text): Stock.
-- column: name (text): Its name.
-- column: market_cap_cny (number): Total market cap when it joined, or the day before
--     it left.
-- column: market_cap_rank (integer): Rank of that cap, 1 = smallest.
-- rows: any
with listed_day as (
    select
        i.trade_date,
        lead(i.trade_date) over (order by i.trade_date) as next_trade_date,
    from microcap.fct_microcap_index_daily as i
    where i.index_code = 'microcap400'
),

last_seen as (
    select
        d.next_trade_date as trade_date,
        m.security_code,
        m.market_cap_cny,
        m.market_cap_rank,
    from microcap.fct_microcap_member as m
    inner join listed_day as d on m.trade_date = d.trade_date
),

change as (
    select
        m.trade_date,
        'in' as action,
        m.security_code,
        m.market_cap_cny,
        m.market_cap_rank,
    from microcap.fct_microcap_member as m
    where m.is_new
    union all
    select
        l.trade_date,
        'out' as action,
        l.security_code,
        l.market_cap_cny,
        l.market_cap_rank,
    from last_seen as l
    anti join microcap.fct_microcap_member as m
        on
            l.trade_date = m.trade_date
            and l.security_code = m.security_code
)

select
    c.trade_date,
    c.action,
    c.security_code,
    s.name,
    c.market_cap_cny,
    c.market_cap_rank,
from change as c
inner join core.dim_trade_week as w
    on c.trade_date between w.first_day and w.last_day
left join core.dim_security as s on c.security_code = s.security_code
where w.trade_week = week_of($week)
order by c.trade_date, c.action, c.market_cap_rank
