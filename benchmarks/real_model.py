"""The low-frequency network walk-forward on the real daily files.

``python -m benchmarks.real_model pack --build BUILD.duckdb`` turns a build of ``make
real`` into one array, and ``python -m benchmarks.real_model train`` needs nothing but
it: trained on the years before each scored period, on a GPU where there is one, scored
weekly, measured by the rank IC of five days from T+1 to T+6 over stocks that are not
ST, suspended or at the upper limit on the next day. The linear baseline stands beside
it, on the same samples.
"""

# ruff: noqa: DTZ005 - the clock of a progress line

from __future__ import annotations

import argparse
import json
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch

from models_ml.config import CONFIGS, PRICE_VOLUME, RunConfig, load_config
from models_ml.metrics import newey_west_t, rank_ic
from models_ml.panel import Panel, make_inputs
from models_ml.score import open_scorer, score_day
from models_ml.splits import Period, period_of, split_days
from models_ml.train import EpochRow, train

# Rank IC of five days published for the fused factor, all A-shares, other years.
PUBLISHED = 0.11
# What a stock cannot be bought for at the next day's close.
OBSTACLES = ("is_suspended", "is_st", "closes_at_limit_up")
FEATURES = (*PRICE_VOLUME, "is_eligible", *OBSTACLES)
# The first scored week's samples reach back so far: six years and their windows.
EARLIEST = "2011-06-01"


def say(text: str) -> None:
    print(f"{datetime.now():%H:%M:%S} {text}", flush=True)


def say_epoch(config: RunConfig, row: EpochRow) -> None:
    say(
        f"{config.model_code} seed {row.seed} epoch {row.epoch}: loss {row.loss:.4f} "
        f"valid IC {row.valid_ic:.4f} {row.seconds:.1f} s"
    )


@dataclass(frozen=True)
class Market:
    """All days of all stocks, read without being loaded, and the weeks to score."""

    days: tuple[date, ...]
    codes: tuple[str, ...]
    values: np.ndarray
    weeks: tuple[date, ...]

    def panel(self, first: int, end: int) -> Panel:
        """Return the days from position ``first`` to before ``end``."""
        values = torch.from_numpy(self.values[first:end].copy())
        return Panel(self.days[first:end], self.codes, FEATURES, values)


def pack(build: Path, folder: Path) -> None:
    """Write a build's market into a folder that needs no database."""
    import duckdb

    from models_ml.read import read_panel, trading_days

    with duckdb.connect(str(build), read_only=True) as con:
        days = trading_days(con, first=date.fromisoformat(EARLIEST))
        weeks = con.execute(
            "select trade_week from intermediate.int_trading_day "
            "where is_week_end and is_week_complete order by trade_week"
        ).fetchall()
        panel = read_panel(
            con,
            "(select * from intermediate.int_model_input_daily "
            "inner join intermediate.int_tradability_day "
            "using (trade_date, security_code))",
            FEATURES,
            days=days,
        )
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "values.npy", panel.values.numpy())
    index = {
        "days": [day.isoformat() for day in days],
        "codes": panel.codes,
        "weeks": [week.isoformat() for (week,) in weeks],
    }
    (folder / "index.json").write_text(json.dumps(index))
    say(f"{folder}: {len(days)} days, {len(panel.codes)} stocks")


def open_market(folder: Path) -> Market:
    """Open what `pack` wrote."""
    index = json.loads((folder / "index.json").read_text())
    return Market(
        days=tuple(map(date.fromisoformat, index["days"])),
        codes=tuple(index["codes"]),
        values=np.load(folder / "values.npy", mmap_mode="r"),
        weeks=tuple(map(date.fromisoformat, index["weeks"])),
    )


def measure(panel: Panel, day: int, stocks: np.ndarray, scores: np.ndarray) -> float:
    """Return the rank IC of a day's scores with the return from T+1 to T+6."""
    if day + 6 >= len(panel.days):
        return float("nan")
    close = panel.column("close")
    outcome = (close[day + 6, stocks] / close[day + 1, stocks] - 1).double().numpy()
    obstacles = panel.columns(OBSTACLES)[day + 1, stocks]
    blocked = obstacles.nan_to_num(1.0).amax(dim=1).numpy() > 0
    outcome = np.where(blocked, np.nan, outcome)
    return float(rank_ic(scores[None], outcome[None])[0])


def run_period(
    folder: Path, config: RunConfig, period: Period, last: date
) -> list[tuple[date, float]]:
    """Train for a period, score its weeks, and return each week's rank IC.

    A checkpoint of the same configuration is not trained again.
    """
    name = f"{config.model_code}/{period.first}-{config.sha256[:8]}"
    market = open_market(folder)
    weeks = [
        week
        for week in market.weeks
        if period.first <= week < period.end and week <= last
    ]
    cut = next(n for n, day in enumerate(market.days) if day >= period.first)
    oldest = max(0, cut - config.train_days - config.lookback_days)
    # Six days more than the last week, for its outcome.
    end = market.days.index(weeks[-1]) + 7
    panel = market.panel(oldest, end)
    cut -= oldest
    checkpoint = folder / "checkpoints" / name
    if not checkpoint.exists():
        # Training gets what was known before the period.
        known = replace(panel, days=panel.days[:cut], values=panel.values[:cut])
        days = panel.days[: cut + 1]
        split = split_days(days, period, config, horizon=config.horizon)
        say(
            f"{name}: {len(split.train)} dates from {days[split.train[0]]}, valid "
            f"{len(split.valid)}, labels to {split.max_label_end}"
        )
        done = train(
            config, known, split, period, folder=checkpoint, progress=say_epoch
        )
        say(f"{name}: {done.seconds:.0f} s on {done.device}")
    scorer = open_scorer(checkpoint, config)
    inputs = make_inputs(panel, config)
    ics = []
    for week in weeks:
        day = panel.days.index(week)
        stocks, scores = score_day(scorer, inputs, panel.days, day)
        ics.append((week, measure(panel, day, stocks, scores)))
    say(f"{name}: rank IC {np.nanmean([ic for _, ic in ics]):.4f}")
    return ics


def table(by_model: dict[str, list[tuple[date, float]]]) -> str:
    """Return the yearly means, ICIR and t of each model as text."""
    models = list(by_model)
    lines = ["year   " + "  ".join(f"{name:>22}" for name in models)]
    found = sorted({week.year for ics in by_model.values() for week, _ in ics})
    for year in found:
        means = [
            np.nanmean([ic for week, ic in by_model[name] if week.year == year])
            for name in models
        ]
        lines.append(f"{year}   " + "  ".join(f"{mean:22.4f}" for mean in means))
    for name in models:
        values = np.array([ic for _, ic in by_model[name]])
        values = values[~np.isnan(values)]
        lines.append(
            f"{name}: mean {values.mean():.4f}, weekly ICIR "
            f"{values.mean() / values.std(ddof=1):.2f}, t {newey_west_t(values):.1f}, "
            f"{len(values)} weeks (published, other years and inputs: {PUBLISHED})"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    packing = commands.add_parser("pack")
    packing.add_argument("--build", type=Path, required=True, help="build.duckdb")
    training = commands.add_parser("train")
    training.add_argument("--first", type=date.fromisoformat, default="2019-01-01")
    training.add_argument("--last", type=date.fromisoformat, default="2024-06-14")
    training.add_argument("--schedule", default="yearly")
    training.add_argument("--seeds", type=int, default=1)
    training.add_argument("--epochs", type=int)
    training.add_argument("--patience", type=int)
    training.add_argument("--sample-stocks", type=int)
    training.add_argument("--threads", type=int, default=1)
    training.add_argument("--workers", type=int, default=1, help="periods at a time")
    training.add_argument("--models", default="linear_low_frequency,gru_low_frequency")
    for command in (packing, training):
        command.add_argument("--folder", type=Path, default=Path("build/real_model"))
    options = parser.parse_args()
    if options.command == "pack":
        pack(options.build, options.folder)
        return
    weeks = [
        week
        for week in open_market(options.folder).weeks
        if options.first <= week <= options.last
    ]
    models = options.models.split(",")
    with ProcessPoolExecutor(options.workers, get_context("spawn")) as pool:
        waiting = {}
        for code in models:
            config = load_config(CONFIGS / f"{code}.toml")
            config = replace(
                config,
                schedule=options.schedule,
                seeds=tuple(range(options.seeds))[: len(config.seeds)],
                threads=options.threads,
                sample_stocks=options.sample_stocks or config.sample_stocks,
                epochs=options.epochs or config.epochs,
                patience=options.patience or config.patience,
            )
            periods = sorted(
                {period_of(week, config.schedule) for week in weeks},
                key=lambda period: period.first,
            )
            run = partial(run_period, options.folder, config, last=options.last)
            waiting[code] = [pool.submit(run, period) for period in periods]
        ics = {
            code: [pair for done in runs for pair in done.result()]
            for code, runs in waiting.items()
        }
    print(table(ics))


if __name__ == "__main__":
    main()
