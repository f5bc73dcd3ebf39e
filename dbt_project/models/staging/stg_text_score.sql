{{ current_rows("text_score") }}
