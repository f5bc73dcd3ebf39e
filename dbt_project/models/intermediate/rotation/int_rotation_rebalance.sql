{{
    rotation_rebalance(
        ["strategy_code"], ref("int_strategy_selection"), ref("strategy")
    )
}}
