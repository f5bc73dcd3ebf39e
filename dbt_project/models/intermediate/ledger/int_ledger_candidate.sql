{{
    rotation_candidate(
        ["strategy_code", "rule_off"],
        ref("int_ledger_rebalance"),
        ref("int_ledger_list"),
        with_limits="rebalance.rule_off <> 'limits'",
        with_suspension="rebalance.rule_off <> 'suspension'",
    )
}}
