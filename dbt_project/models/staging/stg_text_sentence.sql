{{ current_rows("text_sentence") }}
