{{
    rotation_return(
        ["strategy_code"],
        ref("int_rotation_leg_daily"),
        ref("int_rotation_rebalance"),
        ref("int_rotation_trade"),
    )
}}
