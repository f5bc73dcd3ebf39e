{{ current_rows("fundamental") }}
