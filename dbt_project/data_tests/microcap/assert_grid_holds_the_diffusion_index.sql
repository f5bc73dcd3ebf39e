{{ config(meta={"dagster": {"ref": {"name": "fct_microcap_critical_grid"}}}) }}

-- The cell of the longest lookback at a ratio of one is the diffusion index of the day.
-- A returned row is a day on which the two differ.
select
    diffusion.index_code,
    diffusion.trade_date,
    diffusion.diffusion_index,
    grid.diffusion_index as grid_diffusion_index,
from {{ ref("fct_microcap_diffusion_daily") }} as diffusion
left join {{ ref("fct_microcap_critical_grid") }} as grid
    on
        diffusion.index_code = grid.index_code
        and diffusion.trade_date = grid.trade_date
        and grid.lookback_days = {{ var("critical_grid").longest_days }}
        and grid.price_ratio = 1
where diffusion.diffusion_index is distinct from grid.diffusion_index
