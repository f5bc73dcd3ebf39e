"""Networks find what is planted in a generated market, each its own part of it.

The small version of ``benchmarks.model_benchmark``: stronger effects, fewer stocks, and
scores held against the planted expected return itself, which has no noise.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from benchmarks.model_benchmark import (
    Judged,
    Market,
    benchmark_configs,
    judge,
    make_market,
    week_ends,
    weekly_scores,
)
from models_ml.metrics import rank_ic
from warehouse.sample_market.config import Effects, SampleConfig

# Three times the effects of the sample market, the two products among them.
EFFECTS = Effects(**{name: 3.0 * value for name, value in Effects().__dict__.items()})
CONFIG = SampleConfig(
    stocks=150,
    delisted=5,
    first_day="2022-01-04",
    last_day="2024-06-28",
    minute_first_day="2022-01-04",
    smallest_industry=3,
    basket_members=10,
    reports_per_year=0.1,
    effects=EFFECTS,
)
FIRST = date(2024, 1, 1)
DAILY = ("reversal", "turnover", "reversal_turnover", "volatility")
INTRADAY = ("intraday", "intraday_product")


def configs():
    high, low = benchmark_configs(
        first_scored="2024-01-01", train_days=420, sample_step=6, epochs=6,
        sample_stocks=0, threads=1, minimum_stocks=20,
    )[:2]  # fmt: skip
    return (
        replace(high, windows=(15,)),
        replace(low, windows=(25, 6, 3)),
    )


@pytest.fixture(scope="module")
def market() -> Market:
    return make_market(11, null=False, config=CONFIG)


def against(market: Market, scores, weeks, parts) -> float:
    """Return the mean rank IC of scores with a part of the planted expected return."""
    rows = [market.panel.days.index(week) for week in weeks]
    truth = sum(market.expected[part] for part in parts)[rows]
    return float(np.nanmean(rank_ic(scores, truth)))


def test_each_network_finds_its_own_part_of_the_truth(market, tmp_path):
    weeks = week_ends(market.panel.days, FIRST)
    assert len(weeks) > 20
    high, low = (weekly_scores(market, config, tmp_path, weeks) for config in configs())
    assert against(market, high, weeks, INTRADAY) > 0.3
    assert against(market, low, weeks, DAILY) > 0.3
    # Minutes do not show what days do, and the reverse.
    assert abs(against(market, low, weeks, INTRADAY)) < 0.12
    assert against(market, high, weeks, DAILY) < 0.2


def test_nothing_is_found_where_nothing_is_planted(tmp_path):
    market = make_market(12, null=True, config=CONFIG)
    weeks = week_ends(market.panel.days, FIRST)
    judged: Judged = judge(market, configs(), weeks, tmp_path)
    for config in configs():
        assert abs(judged.t_value(config.model_code)) < 3.0
        assert abs(judged.mean(config.model_code)) < 0.06
