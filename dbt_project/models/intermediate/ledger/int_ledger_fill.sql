{{
    rotation_fill(
        ["strategy_code", "rule_off"],
        ref("int_ledger_rebalance"),
        ref("int_ledger_list"),
        ref("int_ledger_candidate"),
        ref("int_ledger_level_daily"),
    )
}}
