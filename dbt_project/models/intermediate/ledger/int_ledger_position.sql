{{
    rotation_position(
        ["strategy_code", "rule_off"],
        ref("int_ledger_rebalance"),
        ref("int_ledger_fill"),
        ref("int_ledger_level_daily"),
    )
}}
