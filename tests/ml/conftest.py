"""A made-up panel with what panels of the market have: gaps, listings, ties."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
import torch

from models_ml.config import DAILY, HIGH_FREQUENCY, PRICE_VOLUME, RunConfig
from models_ml.panel import Panel

DAYS = 160
STOCKS = 40


def weekdays(count: int, first: date = date(2020, 1, 6)) -> tuple[date, ...]:
    """Return trading days, Monday to Friday."""
    found = []
    day = first
    while len(found) < count:
        if day.weekday() < 5:
            found.append(day)
        day += timedelta(days=1)
    return tuple(found)


def make_panel(days: int = DAYS, stocks: int = STOCKS, seed: int = 3) -> Panel:
    """Return prices whose next days follow the trend of the last five."""
    rng = np.random.default_rng(seed)
    drift = np.zeros(stocks)
    close = np.empty((days, stocks))
    level = rng.uniform(5, 50, stocks)
    for day in range(days):
        drift = 0.9 * drift + 0.004 * rng.standard_normal(stocks)
        level = level * np.exp(drift + 0.002 * rng.standard_normal(stocks))
        close[day] = level
    open_ = close * np.exp(0.005 * rng.standard_normal(close.shape))
    high = np.maximum(open_, close) * 1.01
    low = np.minimum(open_, close) * 0.99
    volume = np.exp(rng.normal(10, 0.5, close.shape))
    vwap = (high + low + 2 * close) / 4
    amount = vwap * volume
    fields = {
        "open": open_,
        "high": high,
        "low": low,
        "close": close,
        "vwap": vwap,
        "volume": volume,
        "amount": amount,
        "turnover": volume / volume.mean(axis=0),
        "is_eligible": np.ones_like(close),
        "industry": np.broadcast_to(np.arange(stocks) % 4, close.shape),
        "log_market_cap": np.log(close) + rng.normal(20, 1, stocks),
        **{
            name: np.round(rng.standard_normal(close.shape), 1)
            for name in HIGH_FREQUENCY
        },
    }
    # One factor foresees the drift, beside noise.
    fields[HIGH_FREQUENCY[0]] = (
        np.log(close) - np.log(np.roll(close, 5, axis=0))
    ) + 0.005 * rng.standard_normal(close.shape)
    names = (*DAILY, *PRICE_VOLUME, "is_eligible", "industry", "log_market_cap")
    names = (*names, *HIGH_FREQUENCY)
    values = np.stack([fields[name] for name in names], axis=2).astype(np.float32)
    # A listing in the middle, a suspension, a stock that leaves.
    values[:60, 1] = np.nan
    values[80:90, 2, names.index("is_eligible")] = 0.0
    values[80:90, 2, names.index(HIGH_FREQUENCY[0]) :] = np.nan
    values[120:, 3] = np.nan
    return Panel(
        weekdays(days),
        tuple(f"{600000 + stock}.SH" for stock in range(stocks)),
        names,
        torch.from_numpy(values),
    )


def make_config(**changes: object) -> RunConfig:
    """Return a tiny configuration."""
    values: dict[str, object] = {
        "model_code": "test_model",
        "network": "multi_task_gru",
        "inputs": "low_frequency",
        "windows": (10, 4),
        "steps": (1, 3),
        "label": "close1d",
        "schedule": "monthly",
        "first_scored": "2020-01-01",
        "train_days": 100,
        "sample_step": 2,
        "minimum_samples": 10,
        "minimum_stocks": 10,
        "hidden": 8,
        "epochs": 4,
        "seeds": (0, 1),
        "threads": 1,
        "device": "cpu",
        **changes,
    }
    return RunConfig(**values)  # type: ignore[arg-type]


@pytest.fixture
def panel() -> Panel:
    """Return the made-up panel."""
    return make_panel()
