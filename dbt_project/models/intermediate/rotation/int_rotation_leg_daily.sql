{{
    rotation_leg(
        ["strategy_code"], ref("int_rotation_position"), ref("int_rotation_fill")
    )
}}
