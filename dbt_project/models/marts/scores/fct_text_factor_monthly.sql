select
    cast(encoder_code as varchar) as encoder_code,
    cast(trade_date as date) as trade_month_end,
    cast(security_code as varchar) as security_code,
    cast(text_score as double) as text_score,
    cast(report_count as integer) as report_count,
    cast(text_rank as integer) as text_rank,
    cast(stock_count as integer) as stock_count,
    cast(is_in_base_pool as boolean) as is_in_base_pool,
    cast(composite_score as double) as composite_score,
    cast(component_count as integer) as component_count,
    cast(factor_week as date) as factor_week,
    cast(corpus_cutoff_date as date) as corpus_cutoff_date,
from {{ ref("int_text_portfolio_score") }}
