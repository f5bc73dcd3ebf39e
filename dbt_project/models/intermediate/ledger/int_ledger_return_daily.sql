{{
    rotation_return(
        ["strategy_code", "rule_off"],
        ref("int_ledger_leg_daily"),
        ref("int_ledger_rebalance"),
        ref("int_ledger_trade"),
    )
}}
