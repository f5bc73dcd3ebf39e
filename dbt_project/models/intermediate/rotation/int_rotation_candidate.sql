{{
    rotation_candidate(
        ["strategy_code"],
        ref("int_rotation_rebalance"),
        ref("int_strategy_selection"),
    )
}}
