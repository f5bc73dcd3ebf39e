{{
    performance_block(
        daily=ref("fct_rotation_return_daily"),
        weekly=ref("fct_rotation_return_weekly"),
        keys=["strategy_code"],
    )
}}
