{{ config(meta={"dagster": {"ref": {"name": "fct_factor_layer_return_weekly"}}}) }}

-- The ledger takes the published layers apart: with no rule off it has their tradable
-- returns. A returned row is a layer that differs or that only one side has.
with published as (
    select
        concat_ws(':', universe, factor_code, layer) as strategy_code,
        trade_week,
        tradable_return,
    from {{ ref("fct_factor_layer_return_weekly") }}
    where
        universe = 'all'
        and layer in (1, {{ var("factor_layers") }})
        and tradable_return is not null
        and factor_code in (
            {%- for factor_code in var("ledger_layer_factors") %}
            '{{ factor_code }}'{{ "," if not loop.last }}
            {%- endfor %}
        )
),

ledger as (
    select
        strategy_code,
        trade_week,
        layer_return,
    from {{ ref("int_hindsight_layer_weekly") }}
    where rule_off = 'none'
)

select
    coalesce(published.strategy_code, ledger.strategy_code) as strategy_code,
    coalesce(published.trade_week, ledger.trade_week) as trade_week,
    published.tradable_return,
    ledger.layer_return,
from published
full outer join
    ledger
    on
        published.strategy_code = ledger.strategy_code
        and published.trade_week = ledger.trade_week
where
    coalesce(abs(published.tradable_return - ledger.layer_return) > 1e-9, true)
