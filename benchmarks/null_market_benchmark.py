"""Silence on markets without effects, and planted effects found with their sign.

Markets are generated from ten seeds without any effect and from three with effects,
loaded, and built by dbt up to the rank ICs. Add an effect that a factor must find to
``PLANTED``; keep what judges a single week out.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.stats import binom

from benchmarks.models import build_models
from models_ml.metrics import newey_west_t
from warehouse.load import load_folder
from warehouse.sample_market import make_sample
from warehouse.sample_market.config import SampleConfig
from warehouse.settings import PROJECT_ROOT, Settings

SAMPLE_MAPPING = PROJECT_ROOT / "warehouse" / "mappings" / "sample.toml"
# What dbt builds: all that the rank ICs come from.
UPSTREAM = ("+fct_factor_ic_summary",)
# Five years as the sample market has them, fewer stocks, no minutes and few reports:
# what the style factors read is all there.
CONFIG = SampleConfig(
    stocks=500, delisted=30, minute_first_day=None, reports_per_year=1
)
NULL_SEEDS = tuple(range(101, 111))
PLANTED_SEEDS = (201, 202, 203)
UNIVERSE = "all"
THRESHOLD = 2.0
BAND = 0.99
# Factor and the sign of the effect that it stands for: size, volatility, the reversal
# of twenty days, turnover above the usual.
PLANTED = {
    "log_market_cap": -1,
    "volatility_1y": -1,
    "return_10d": -1,
    "turnover_10d_float": -1,
}

console = Console(highlight=False)


@dataclass(frozen=True)
class FactorTest:
    """Mean rank IC of a factor over all weeks, and its Newey-West t value."""

    mean: float
    t_value: float
    week_count: int


def make_market(
    home: Path, *, seed: int, null: bool, config: SampleConfig = CONFIG
) -> Path:
    """Generate and load a market; return the builder's file."""
    settings = Settings(home=home)
    folder = make_sample(settings, null=null, seed=seed, config=config)
    load_folder(settings, SAMPLE_MAPPING, folder, source_name="sample")
    return settings.build_path


def build(path: Path) -> None:
    """Build the rank ICs of a file by dbt, and what they come from."""
    without = ("--exclude-resource-type", "test", "unit_test")
    build_models(path, ("build", "--select", *UPSTREAM, *without))


def factor_tests(path: Path) -> dict[str, FactorTest]:
    """Return the tests of the factors of a built file that have a t value."""
    with duckdb.connect(str(path), read_only=True) as con:
        rows = con.execute(
            "select factor_code, mean, t_value, week_count "
            "from factors.fct_factor_ic_summary "
            "where universe = ? and period = 'all' and t_value is not null",
            [UNIVERSE],
        ).fetchall()
    return {code: FactorTest(*values) for code, *values in rows}


def tested_market(home: Path, *, seed: int, null: bool) -> dict[str, FactorTest]:
    """Make, build and test a market."""
    path = make_market(home, seed=seed, null=null)
    build(path)
    return factor_tests(path)


def chance(week_count: int, *, draws: int = 20_000) -> float:
    """Return how often chance puts |t| beyond the threshold.

    Newey-West's t value of white noise is wider than a normal one in short series: the
    share is counted over generated series of as many weeks.
    """
    rng = np.random.default_rng(0)
    beyond = sum(
        abs(newey_west_t(series)) > THRESHOLD
        for series in rng.standard_normal((draws, week_count))
    )
    return beyond / draws


def binomial_band(count: int, probability: float) -> tuple[int, int]:
    """Return the least and the most of ``count`` independent tests in the band."""
    low, high = binom.interval(BAND, count, probability)
    return int(low), int(high)


def main() -> None:
    """Print the table and end with an error where a market does not behave."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.parse_args()
    table = Table("market", "factors", f"|t| > {THRESHOLD:.0f}", "largest |t|")
    beyond = tests = weeks = 0
    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        for seed in NULL_SEEDS:
            home = Path(folder) / str(seed)
            found = tested_market(home, seed=seed, null=True)
            values = {code: abs(test.t_value) for code, test in found.items()}
            largest = max(values, key=lambda code: values[code])
            count = sum(value > THRESHOLD for value in values.values())
            beyond, tests = beyond + count, tests + len(values)
            weeks = max(test.week_count for test in found.values())
            table.add_row(
                f"null {seed}",
                str(len(values)),
                str(count),
                f"{values[largest]:.2f} ({largest})",
            )
        for seed in PLANTED_SEEDS:
            home = Path(folder) / str(seed)
            found = tested_market(home, seed=seed, null=False)
            for code, sign in PLANTED.items():
                test = found[code]
                table.add_row(
                    f"planted {seed}",
                    code,
                    f"mean {test.mean:+.4f}",
                    f"t {test.t_value:+.2f}",
                )
                if sign * test.t_value <= THRESHOLD:
                    wrong.append(f"planted {seed}: {code} has t {test.t_value:+.2f}")
    console.print(table)
    probability = chance(weeks)
    low, high = binomial_band(tests, probability)
    console.print(
        f"null markets: {beyond} of {tests} factors beyond {THRESHOLD:.0f} "
        f"({beyond / tests:.3f}); chance {probability:.3f} at {weeks} weeks; "
        f"{BAND:.0%} binomial band {low} to {high} ({low / tests:.3f} to "
        f"{high / tests:.3f})"
    )
    console.print(
        "The band takes the tests as independent. Factors of one market are not, so "
        "that chance alone leaves the band more often than once in a hundred."
    )
    if not low <= beyond <= high:
        wrong.append(f"{beyond} of {tests} null factors are beyond {THRESHOLD:.0f}")
    if wrong:
        raise SystemExit(f"error: {'; '.join(wrong)}")


if __name__ == "__main__":
    main()
