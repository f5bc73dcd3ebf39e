{{
    rotation_position(
        ["strategy_code"],
        ref("int_rotation_rebalance"),
        ref("int_rotation_fill"),
        ref("int_asset_level_daily"),
    )
}}
