-- question: Where did the market trade in a week, from the smallest tenth of the shares
--     to the largest?
-- parameter: week (date) = latest_week(): Any day of the exchange week asked for.
-- known: week as week_of($week): select distinct k.trade_week from
--     microcap.fct_size_group_turnover_weekly as k
-- known: week as week_of($week): select g.trade_week from
--     microcap.fct_size_group_turnover_weekly as g
-- column: trade_week (date): Last trading day of the week.
-- column: size_group (integer): Tenth by total market cap, 1 the smallest.
-- column: turnover_share (number): Share of the traded value.
-- column: share_before (number): The same of the week before.
-- column: traded_value_cny (number): Traded value.
-- column: stock_count (integer): Shares in the group.
-- column: highest_cap_cny (number): Largest market cap of the group.
-- rows: some
with chosen as (
    select
        w.trade_week,
        w.previous_week,
    from core.dim_trade_week as w
    where w.trade_week = week_of($week)
)

select
    g.trade_week,
    g.size_group,
    g.turnover_share,
    b.turnover_share as share_before,
    g.traded_value_cny,
    g.stock_count,
    g.highest_cap_cny,
from microcap.fct_size_group_turnover_weekly as g
inner join chosen as c on g.trade_week = c.trade_week
left join microcap.fct_size_group_turnover_weekly as b
    on
        c.previous_week = b.trade_week
        and g.size_group = b.size_group
order by g.size_group
