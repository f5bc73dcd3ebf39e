{{ current_rows("industry_member") }}
