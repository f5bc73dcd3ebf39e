{{ current_rows("corporate_action") }}
