-- question: Where would the diffusion index be in N days if all prices moved by c? The
--     critical-point grid of a day, a line for each N, a column for each c.
-- parameter: day (date) = latest_day(): Trading day asked for, or the last before it.
-- parameter: basket (text) = 'microcap400': Basket of stocks.
-- known: basket: select distinct k.index_code from
--     microcap.fct_microcap_critical_grid as k
-- column: days_ahead (integer): N, exchange days from the day.
-- column: lookback_days (integer): Days between the two prices compared, 20 - N.
-- column: up_10 (number): Diffusion index at prices 10% higher.
-- column: up_8 (number): At prices 8% higher.
-- column: up_6 (number): At prices 6% higher.
-- column: up_4 (number): At prices 4% higher.
-- column: up_2 (number): At prices 2% higher.
-- column: unchanged (number): At the prices of the day.
-- column: down_2 (number): At prices 2% lower.
-- column: down_4 (number): At prices 4% lower.
-- column: down_5 (number): At prices 5% lower.
-- column: down_6 (number): At prices 6% lower.
-- column: down_8 (number): At prices 8% lower.
-- column: down_10 (number): At prices 10% lower.
-- rows: 11
select
    g.days_ahead,
    g.lookback_days,
    max(g.diffusion_index) filter (g.price_ratio = 1.10) as up_10,
    max(g.diffusion_index) filter (g.price_ratio = 1.08) as up_8,
    max(g.diffusion_index) filter (g.price_ratio = 1.06) as up_6,
    max(g.diffusion_index) filter (g.price_ratio = 1.04) as up_4,
    max(g.diffusion_index) filter (g.price_ratio = 1.02) as up_2,
    max(g.diffusion_index) filter (g.price_ratio = 1.00) as unchanged,
    max(g.diffusion_index) filter (g.price_ratio = 0.98) as down_2,
    max(g.diffusion_index) filter (g.price_ratio = 0.96) as down_4,
    max(g.diffusion_index) filter (g.price_ratio = 0.95) as down_5,
    max(g.diffusion_index) filter (g.price_ratio = 0.94) as down_6,
    max(g.diffusion_index) filter (g.price_ratio = 0.92) as down_8,
    max(g.diffusion_index) filter (g.price_ratio = 0.90) as down_10,
from microcap.fct_microcap_critical_grid as g
where
    g.index_code = $basket
    and g.trade_date = (
        select max(d.trade_date),
        from microcap.fct_microcap_critical_grid as d
        where
            d.index_code = $basket
            and d.trade_date <= $day
    )
group by g.days_ahead, g.lookback_days
order by g.days_ahead
