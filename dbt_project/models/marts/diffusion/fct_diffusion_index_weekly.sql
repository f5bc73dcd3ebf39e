{{ diffusion_at_period_end("trade_week", "week") }}
