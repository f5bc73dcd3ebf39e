{{ config(tags=["model_input"]) }}

{{ current_rows("model_score") }}
