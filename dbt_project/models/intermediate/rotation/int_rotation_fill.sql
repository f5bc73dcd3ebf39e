{{
    config(
        materialized="incremental",
        incremental_strategy="rewrite_window",
        on_schema_change="fail",
        meta={"window_column": "coalesce(next_execution_date, date '9999-12-31')"},
    )
}}

{{
    rotation_fill(
        ["strategy_code"],
        ref("int_rotation_rebalance"),
        ref("int_strategy_selection"),
        ref("int_rotation_candidate"),
        ref("int_asset_level_daily"),
        this,
    )
}}
