"""Silence on small markets without effects, and planted effects found on another.

The small version of ``benchmarks.null_market_benchmark``, which says what chance is. A
hundred weeks of 140 stocks need effects four times as strong as the sample's, and a
factor of a year's days has too few of them.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from benchmarks.null_market_benchmark import (
    BAND,
    CONFIG,
    PLANTED,
    THRESHOLD,
    UPSTREAM,
    FactorTest,
    binomial_band,
    chance,
    factor_tests,
    make_market,
)
from tests.dbt_process import run_dbt
from warehouse.sample_market.config import Effects

SMALL = replace(
    CONFIG,
    stocks=140,
    delisted=6,
    smallest_industry=3,
    basket_members=10,
    first_day="2021-06-01",
    last_day="2023-05-26",
)
STRONG = replace(
    SMALL,
    effects=Effects(size=-0.006, volatility=-0.0072, reversal=-0.0076, turnover=-0.006),
)
NULL_SEEDS = (301, 302)


def built(path: Path) -> dict[str, FactorTest]:
    """Build the rank ICs of a loaded market and return the tests of its factors."""
    arguments = ["build", "--select", *UPSTREAM]
    arguments += ["--exclude-resource-type", "test", "unit_test"]
    arguments += ["--target-path", str(path.parent / "target")]
    arguments += ["--log-path", str(path.parent / "logs")]
    done = run_dbt(arguments, {"LUNDONG_BUILD_PATH": str(path)})
    assert done.returncode == 0, done.stdout[-4000:]
    return factor_tests(path)


def test_null_markets_are_silent(tmp_path: Path) -> None:
    found = [
        built(make_market(tmp_path / str(seed), seed=seed, null=True, config=SMALL))
        for seed in NULL_SEEDS
    ]
    tests = [test for market in found for test in market.values()]
    assert len(tests) > 40
    beyond = sum(abs(test.t_value) > THRESHOLD for test in tests)
    weeks = max(test.week_count for test in tests)
    low, high = binomial_band(len(tests), chance(weeks, draws=4000))
    assert low <= beyond <= high, f"{beyond} of {len(tests)}, {BAND:.0%}: {low}-{high}"


def test_planted_effects_are_found(tmp_path: Path) -> None:
    found = built(make_market(tmp_path / "home", seed=5, null=False, config=STRONG))
    missed = {
        code: found[code].t_value
        for code, sign in PLANTED.items()
        if code != "volatility_1y" and sign * found[code].t_value <= THRESHOLD
    }
    assert missed == {}
