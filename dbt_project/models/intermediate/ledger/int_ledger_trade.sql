{{
    rotation_trade(
        ["strategy_code", "rule_off"],
        ref("int_ledger_rebalance"),
        ref("int_ledger_fill"),
        ref("int_ledger_position"),
        ref("int_ledger_leg_daily"),
    )
}}
