{{
    rotation_leg(["strategy_code", "rule_off"], ref("int_ledger_position"), ref("int_ledger_fill"))
}}
