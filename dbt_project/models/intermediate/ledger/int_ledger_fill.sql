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
        ["strategy_code", "rule_off"],
        ref("int_ledger_rebalance"),
        ref("int_ledger_list"),
        ref("int_ledger_candidate"),
        ref("int_ledger_level_daily"),
        this,
    )
}}
