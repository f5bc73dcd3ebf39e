{{ current_rows("model_score") }}
