{{ stock_level(ref("int_rotation_candidate")) }}
