{{ diffusion_at_period_end("trade_month_end", "month") }}
