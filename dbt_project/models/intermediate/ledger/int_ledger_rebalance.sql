{{
    rotation_rebalance(
        ["strategy_code", "rule_off"], ref("int_ledger_list"), ref("int_ledger_rule")
    )
}}
