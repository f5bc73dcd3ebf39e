{{
    performance_block(
        daily=ref("int_timing_measured_daily"),
        weekly=ref("int_timing_measured_weekly"),
        keys=["index_code", "method", "variant"],
    )
}}
