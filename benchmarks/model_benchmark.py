"""Networks on the generated market: planted signal found, silence without one.

Markets are drawn in memory, with the minute factors that see the planted states made
from the same bars in numpy. Each model is trained walk-forward and scored weekly; its
rank IC (T+1 to T+6) stands beside the oracle's, computed from the planted truth, and
the linear baseline's. Run ``python -m benchmarks.model_benchmark``; add a property of
the models here, one of the tables elsewhere.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from rich.console import Console
from rich.table import Table

from models_ml.config import (
    CONFIGS,
    HIGH_FREQUENCY,
    RunConfig,
    load_config,
)
from models_ml.metrics import newey_west_t, rank_ic
from models_ml.panel import Panel, make_inputs, prepare_high_frequency
from models_ml.score import open_scorer, score_day
from models_ml.splits import periods_of, split_days
from models_ml.train import train
from warehouse.sample_market import STREAMS, bars, events, minutes, truth
from warehouse.sample_market.config import Effects, SampleConfig
from warehouse.sample_market.returns import Paths, simulate
from warehouse.sample_market.universe import Universe, make_universe

Floats = npt.NDArray[np.float64]

# Reports are few and their drift is slight: no network sees them.
CONFIG = SampleConfig(reports_per_year=1, effects=Effects(tone_drift=0.0020))
SEEDS = (301, 302, 303)
NULL_SEEDS = tuple(range(401, 411))
LEAST_SHARE_OF_ORACLE = 0.70
LEAST_RATIO_TO_LINEAR = 1.1
LARGEST_NULL_T = 1.5
LEAST_T = 2.0
# Rank correlation of a network's scores with its part of the truth.
LEAST_LIKENESS = 0.3
# Fusion of the two networks (methodology 5): high to low frequency.
WEIGHTS = {"high": 1.0, "low": 3.0}
MODELS = (
    "gru_high_frequency", "gru_low_frequency",
    "linear_high_frequency", "linear_low_frequency",
)  # fmt: skip
LISTED_DAYS = 60
FIRST_SCORED = date(2024, 1, 1)
# What minutes show of the planted effects, and what days show.
PARTS = {
    "intraday": ("intraday", "intraday_product"),
    "daily": ("reversal", "turnover", "reversal_turnover", "volatility"),
}
OWN_PART = {"gru_high_frequency": "intraday", "gru_low_frequency": "daily"}

console = Console(highlight=False, width=120)


@dataclass(frozen=True)
class Market:
    """A generated market as a panel, with what is true of it.

    Attributes
    ----------
    panel : Panel
        Daily fields and factors, the factors standardised.
    expected : dict of (T, N) array
        Expected 5-day return by source, NaN where a stock is not listed.
    """

    panel: Panel
    expected: dict[str, Floats]


def minute_factors(drawn: dict[str, Floats]) -> dict[str, Floats]:
    """Return the minute factors that see the planted states, (n,) each.

    Of the other of the 27 there is nothing: a network sees zeros in their place.
    """
    volume, opened = drawn["volume_shares"], drawn["open_cny"]
    change = np.log(drawn["close_cny"] / opened)
    half_hours = volume.reshape(len(volume), 8, -1).sum(axis=2)
    share = half_hours / half_hours.sum(axis=1, keepdims=True)
    found = {f"volume_perc{number}": share[:, number - 1] for number in range(2, 8)}
    squares = (change**2).sum(axis=1)
    falling = (np.minimum(change, 0.0) ** 2).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        found["down_vol_perc"] = falling / squares
        late = change[:, -6:] - change[:, -6:].mean(axis=1, keepdims=True)
        found["late_skew_ret"] = (late**3).mean(axis=1) / (late**2).mean(axis=1) ** 1.5
        found["corr_ret_lastret"] = _correlation(change[:, 1:], change[:, :-1])
        amplitude = (drawn["high_cny"] - drawn["low_cny"]) / opened
        found["corr_volume_amplitude"] = _correlation(volume, amplitude)
    return found


def _correlation(x: Floats, y: Floats) -> Floats:
    x = x - x.mean(axis=1, keepdims=True)
    y = y - y.mean(axis=1, keepdims=True)
    spread = np.sqrt((x**2).sum(axis=1) * (y**2).sum(axis=1))
    return np.asarray((x * y).sum(axis=1) / spread)


def make_market(seed: int, *, null: bool, config: SampleConfig = CONFIG) -> Market:
    """Draw a market and turn it into a panel.

    Parameters
    ----------
    null : bool
        Plant no effect.
    """
    seeds = np.random.SeedSequence(seed).spawn(len(STREAMS) + 1)
    streams = {
        name: np.random.default_rng(child)
        for name, child in zip(STREAMS, seeds, strict=False)
    }
    effects = config.effects.none() if null else config.effects
    universe = make_universe(config, streams["universe"])
    capital = events.make_capital_events(universe, streams["capital"])
    reports = events.make_reports(universe, config.reports_per_year, streams["reports"])
    tone = events.spread_tone(
        reports, events.tone_kernel(effects), universe.active.shape
    )
    paths = simulate(universe, capital, tone, effects, streams["returns"])
    ranges = bars.draw_ranges(paths, slice(universe.first, None), streams["ranges"])
    factors = _all_minute_factors(universe, paths, ranges, config, seeds[-1])
    panel = _panel(universe, paths, ranges, factors)
    expected = truth.expected_components(universe, paths, reports, effects)
    return Market(prepare_high_frequency(panel), expected)


def _all_minute_factors(
    universe: Universe,
    paths: Paths,
    ranges: bars.Ranges,
    config: SampleConfig,
    seeds: np.random.SeedSequence,
) -> npt.NDArray[np.float32]:
    """Return the factors of all days with minutes, and set the days' ranges by them."""
    grid = minutes.make_grid(config.bar_minutes)
    first_day = np.datetime64(config.minute_first_day or config.first_day)
    first = int(np.searchsorted(universe.days, first_day))
    count = len(universe.days) - universe.first
    shape = (count, universe.stocks, len(HIGH_FREQUENCY))
    values = np.full(shape, np.nan, dtype=np.float32)
    days = range(first, len(universe.days))
    for day, stream in zip(days, seeds.spawn(len(days)), strict=True):
        drawn = minutes.draw_day(
            universe, paths, day, grid, np.random.default_rng(stream)
        )
        row, trading = day - universe.first, universe.trading[day]
        for name, column in minute_factors(drawn).items():
            values[row, trading, HIGH_FREQUENCY.index(name)] = column
        ranges.high[row, trading] = drawn["high_cny"].max(axis=1)
        ranges.low[row, trading] = drawn["low_cny"].min(axis=1)
        ranges.amount[row, trading] = drawn["amount_cny"].sum(axis=1)
    return values


def _panel(
    universe: Universe,
    paths: Paths,
    ranges: bars.Ranges,
    factors: npt.NDArray[np.float32],
) -> Panel:
    days = slice(universe.first, None)
    factor, close = paths.factor[days], paths.close[days]
    volume, trading = paths.volume[days], universe.trading[days]
    listed = np.arange(len(universe.days))[days, None] - universe.list_index
    listed = np.where(universe.list_index == 0, 1000, listed + 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        vwap = np.where(volume > 0, ranges.amount / volume, close)
    positions = range(universe.first, len(universe.days))
    fields = {
        "open": paths.open[days] * factor,
        "high": ranges.high * factor,
        "low": ranges.low * factor,
        "close": close * factor,
        "vwap": vwap * factor,
        "volume": volume / factor,
        "is_eligible": trading & (universe.status[days] == 0) & (listed > LISTED_DAYS),
        "log_market_cap": np.log(close * paths.total_shares[days]),
        "industry": np.stack([universe.industry(day) for day in positions]),
    }
    values = np.stack([fields[name] for name in fields], axis=2).astype(np.float32)
    return Panel(
        tuple(universe.days[days].astype(object)),
        tuple(str(code) for code in universe.code),
        (*fields, *HIGH_FREQUENCY),
        torch.from_numpy(np.concatenate([values, factors], axis=2)),
    )


def week_ends(days: Sequence[date], first: date) -> list[date]:
    """Return the last trading days of the weeks from ``first`` on with an outcome."""
    known = days[:-6]
    return [
        day
        for day, following in zip(known, days[1:], strict=False)
        if day >= first and following.isocalendar()[:2] != day.isocalendar()[:2]
    ]


def weekly_scores(
    market: Market, config: RunConfig, folder: Path, weeks: Sequence[date]
) -> Floats:
    """Train walk-forward and score the weeks; (weeks, N), NaN where not scored."""
    panel = market.panel
    scores = np.full((len(weeks), len(panel.codes)), np.nan)
    for period in periods_of(weeks, config):
        first = next(n for n, day in enumerate(panel.days) if day >= period.first)
        known = replace(panel, days=panel.days[:first], values=panel.values[:first])
        split = split_days(
            panel.days, period, config,
            horizon=config.horizon, first_input=first_input(panel, config),
        )  # fmt: skip
        checkpoint = folder / config.model_code / period.first.isoformat()
        train(config, known, split, period, folder=checkpoint)
        scorer = open_scorer(checkpoint, config)
        inputs = make_inputs(panel, config)
        for row, week in enumerate(weeks):
            if week in period:
                day = panel.days.index(week)
                stocks, values = score_day(scorer, inputs, panel.days, day)
                scores[row, stocks] = values
    return scores


def first_input(panel: Panel, config: RunConfig) -> int:
    """Return the first day on which a stock can have enough of its window."""
    if config.inputs != "high_frequency":
        return 0
    observed = panel.column("observed").amax(dim=1).numpy()
    needed = max(1, round(config.minimum_share * config.windows[0]))
    return int(np.argmax(observed > 0)) + needed - 1


def z_score(scores: Floats) -> Floats:
    """Return z-scores by week."""
    mean = np.nanmean(scores, axis=1, keepdims=True)
    return (scores - mean) / np.nanstd(scores, axis=1, keepdims=True)


def fuse(scores: dict[str, Floats], kind: str) -> Floats:
    """Return high : low = 1 : 3 of the z-scores of ``gru`` or ``linear`` models."""
    total = sum(
        weight * z_score(scores[f"{kind}_{part}_frequency"])
        for part, weight in WEIGHTS.items()
    )
    return np.asarray(total)


@dataclass(frozen=True)
class Judged:
    """Weekly rank ICs by model, and by part of the truth.

    Attributes
    ----------
    ics : dict of (weeks,) array
        With the return from T+1 to T+6.
    likeness : dict of float
        Mean rank correlation of a model's scores with a part of the truth, which has
        no noise, by model and part.
    """

    ics: dict[str, Floats]
    likeness: dict[tuple[str, str], float]

    def mean(self, name: str) -> float:
        """Return the mean rank IC."""
        return float(np.nanmean(self.ics[name]))

    def t_value(self, name: str) -> float:
        """Return Newey and West's t of the mean."""
        return newey_west_t(self.ics[name])


def judge(
    market: Market, configs: Sequence[RunConfig], weeks: Sequence[date], folder: Path
) -> Judged:
    """Train, score and measure every model, and measure the oracle."""
    panel = market.panel
    scores = {
        config.model_code: weekly_scores(market, config, folder, weeks)
        for config in configs
    }
    for kind in ("gru", "linear"):
        if f"{kind}_high_frequency" in scores and f"{kind}_low_frequency" in scores:
            scores[f"{kind}_fused"] = fuse(scores, kind)
    rows = [panel.days.index(week) for week in weeks]
    close = panel.column("close").double().numpy()
    outcome = np.stack([close[row + 6] / close[row + 1] - 1.0 for row in rows])
    # What cannot be bought or scored on the day is measured for nobody.
    eligible = panel.column("is_eligible").numpy() == 1.0
    blocked = np.stack([~eligible[row] | ~eligible[row + 1] for row in rows])
    outcome[blocked] = np.nan
    parts = {
        part: np.asarray(sum(market.expected[name] for name in names))[rows]
        for part, names in PARTS.items()
    }
    likeness = {
        (name, part): float(np.nanmean(rank_ic(values, truth)))
        for name, values in scores.items()
        for part, truth in parts.items()
    }
    scores |= {"oracle": np.asarray(sum(market.expected.values()))[rows], **parts}
    # What the fusion would reach if each network knew its part of the truth.
    scores["perfect_fused"] = fuse(
        {
            "perfect_high_frequency": scores["intraday"],
            "perfect_low_frequency": scores["daily"],
        },
        "perfect",
    )
    ics = {name: rank_ic(value, outcome) for name, value in scores.items()}
    return Judged(ics, likeness)


def benchmark_configs(**changes: object) -> list[RunConfig]:
    """Return the four models of the sample market, trained for longer."""
    return [
        replace(load_config(CONFIGS / f"{code}.toml", profile="sample"), **changes)
        for code in MODELS
    ]


def run_market(
    seed: int, *, null: bool, config: SampleConfig, models: Sequence[RunConfig]
) -> Judged:
    """Draw a market of the benchmark and judge the models on it."""
    market = make_market(seed, null=null, config=config)
    weeks = week_ends(market.panel.days, FIRST_SCORED)
    with tempfile.TemporaryDirectory() as scratch:
        return judge(market, models, weeks, Path(scratch))


def main() -> None:
    """Print the tables and end with an error where a model does not behave."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=len(SEEDS))
    parser.add_argument("--nulls", type=int, default=len(NULL_SEEDS))
    parser.add_argument("--stocks", type=int, default=CONFIG.stocks)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--workers", type=int, default=1, help="markets at a time")
    options = parser.parse_args()
    config = replace(
        CONFIG,
        stocks=options.stocks,
        delisted=options.stocks * CONFIG.delisted // CONFIG.stocks,
        minute_first_day=CONFIG.first_day,
    )
    models = benchmark_configs(
        epochs=options.epochs, patience=5, sample_step=5, train_days=700,
        sample_stocks=0, threads=options.threads,
    )  # fmt: skip
    run = partial(run_market, config=config, models=models)
    seeds, null_seeds = SEEDS[: options.seeds], NULL_SEEDS[: options.nulls]
    with ProcessPoolExecutor(options.workers, get_context("spawn")) as pool:
        planted = pool.map(partial(run, null=False), seeds)
        nulls = pool.map(partial(run, null=True), null_seeds)
        wrong = print_planted(dict(zip(seeds, planted, strict=True)))
        wrong += print_nulls(list(nulls))
    if wrong:
        raise SystemExit(f"error: {'; '.join(wrong)}")


def print_planted(found: dict[int, Judged]) -> list[str]:
    """Print each model beside the oracle; return where the fused one falls short."""
    wrong = []
    table = Table("market", "model", "rank IC", "t", "of oracle", "over linear", *PARTS)
    for seed, judged in found.items():
        oracle = judged.mean("oracle")
        for name in judged.ics:
            linear = name.replace("gru_", "linear_")
            ratio = judged.mean(name) / judged.mean(linear)
            table.add_row(
                f"planted {seed}", name, f"{judged.mean(name):.4f}",
                f"{judged.t_value(name):.1f}", f"{judged.mean(name) / oracle:.0%}",
                f"{ratio:.2f}" if name.startswith("gru_") else "",
                *(
                    f"{judged.likeness[name, part]:.2f}"
                    for part in PARTS
                    if (name, part) in judged.likeness
                ),
            )  # fmt: skip
        share = judged.mean("gru_fused") / oracle
        ratio = judged.mean("gru_fused") / judged.mean("linear_fused")
        if not share >= LEAST_SHARE_OF_ORACLE:
            wrong.append(f"seed {seed}: {share:.0%} of the oracle's rank IC")
        if not ratio >= LEAST_RATIO_TO_LINEAR:
            wrong.append(f"seed {seed}: {ratio:.2f} times the linear baseline's")
        for name, own in OWN_PART.items():
            other = next(part for part in PARTS if part != own)
            alike, unlike = judged.likeness[name, own], judged.likeness[name, other]
            is_found = judged.t_value(name) >= LEAST_T and alike >= LEAST_LIKENESS
            if not (is_found and alike > unlike):
                wrong.append(
                    f"seed {seed}: {name} has t {judged.t_value(name):.1f} and "
                    f"correlation {alike:.2f} with {own}, {unlike:.2f} with {other}"
                )
    console.print(table)
    return wrong


def print_nulls(found: Sequence[Judged]) -> list[str]:
    """Print each model's mean |t| on null markets; return those that are too high."""
    wrong = []
    for name in found[0].ics if found else ():
        if not name.startswith(("gru_", "linear_")):
            continue
        mean = float(np.mean([abs(judged.t_value(name)) for judged in found]))
        console.print(f"{len(found)} null markets: {name} mean |t| {mean:.2f}")
        if not mean <= LARGEST_NULL_T:
            wrong.append(f"{name}: mean |t| {mean:.2f} on null markets")
    return wrong


if __name__ == "__main__":
    main()
