"""The low-frequency network walk-forward on the real daily files, year by year.

Run ``python -m benchmarks.real_model --build BUILD.duckdb`` on a build of ``make
real``: trained on the years before each scored period, scored weekly, measured by the
rank IC of five days from T+1 to T+6 over stocks that are not ST, suspended or at the
upper limit on the next day. The linear baseline stands beside it, on the same samples.
"""

# ruff: noqa: DTZ005 - the clock of a progress line

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import duckdb
import numpy as np
import torch

from models_ml.config import CONFIGS, RunConfig, load_config
from models_ml.metrics import newey_west_t, rank_ic
from models_ml.panel import (
    DAILY_TABLE,
    PRICE_VOLUME,
    Labels,
    Panel,
    make_inputs,
    read_panel,
    trading_days,
)
from models_ml.score import open_scorer, score_day
from models_ml.splits import period_of, split_days
from models_ml.train import EpochRow, train

# Rank IC of five days published for the fused factor, all A-shares, other years.
PUBLISHED = 0.11
TRADABILITY = "intermediate.int_tradability_day"


def say(text: str) -> None:
    print(f"{datetime.now():%H:%M:%S} {text}", flush=True)


def say_epoch(config: RunConfig, row: EpochRow) -> None:
    say(
        f"{config.model_code} seed {row.seed} epoch {row.epoch}: loss {row.loss:.4f} "
        f"valid IC {row.valid_ic:.4f} {row.seconds:.0f} s"
    )


def week_ends(con: duckdb.DuckDBPyConnection, first: str, last: str) -> list[date]:
    rows = con.execute(
        """
        select trade_week
        from intermediate.int_trading_day
        where is_week_end and is_week_complete and trade_week between ? and ?
        order by trade_week
        """,
        [first, last],
    ).fetchall()
    return [row[0] for row in rows]


def measure(
    panel: Panel, tradable: Panel, day: int, stocks: np.ndarray, scores: np.ndarray
) -> float:
    """Return the rank IC of a day's scores with the return from T+1 to T+6."""
    if day + 6 >= len(panel.days):
        return float("nan")
    close = panel.column("close")
    outcome = (close[day + 6, stocks] / close[day + 1, stocks] - 1).double().numpy()
    blocked = tradable.values[day + 1, stocks].nan_to_num(1.0).amax(dim=1).numpy() > 0
    outcome = np.where(blocked, np.nan, outcome)
    return float(rank_ic(scores[None], outcome[None])[0])


def years(
    con: duckdb.DuckDBPyConnection, config: RunConfig, first: str, last: str
) -> Iterator[tuple[date, list[date]]]:
    """Yield each period's first day with the weeks to score."""
    found: dict[date, list[date]] = {}
    for week in week_ends(con, first, last):
        found.setdefault(period_of(week, config.schedule).first, []).append(week)
    yield from sorted(found.items())


def run(
    con: duckdb.DuckDBPyConnection,
    config: RunConfig,
    folder: Path,
    *,
    first: str,
    last: str,
    results: Path,
) -> list[tuple[date, float]]:
    """Train and score period by period; append each week's rank IC to a file."""
    all_days = trading_days(con)
    ics: list[tuple[date, float]] = []
    for start, weeks in years(con, config, first, last):
        period = period_of(start, config.schedule)
        before = [day for day in all_days if day < period.first]
        oldest = max(0, len(before) - config.train_days - config.lookback_days)
        # The scored weeks are in the same tensor; training gets a view that ends before
        # the period.
        # Six days more than the last week, for its outcome.
        days = list(all_days[oldest : all_days.index(weeks[-1]) + 7])
        panel = read_panel(con, DAILY_TABLE, (*PRICE_VOLUME, "is_eligible"), days=days)
        cut = days.index(before[-1]) + 1
        known = replace(panel, days=panel.days[:cut], values=panel.values[:cut])
        checkpoint = folder / config.model_code / start.isoformat()
        if not checkpoint.exists():
            labels = Labels(known, config)
            split = split_days(
                (*known.days, *days[cut : cut + 1]), period, config,
                horizon=labels.horizon,
            )  # fmt: skip
            say(
                f"{config.model_code} {start}: {len(split.train)} dates from "
                f"{known.days[split.train[0]]}, valid {len(split.valid)}, labels to "
                f"{split.max_label_end}"
            )
            done = train(
                config, known, make_inputs(known, config), labels, split, period,
                folder=checkpoint, progress=say_epoch,
            )  # fmt: skip
            say(f"{config.model_code} {start}: {done.seconds:.0f} s on {done.device}")
        scorer = open_scorer(checkpoint, config)
        inputs = make_inputs(panel, config)
        blocked = read_panel(
            con, TRADABILITY,
            ("is_suspended", "is_st", "closes_at_limit_up"),
            days=days, codes=panel.codes,
        )  # fmt: skip
        for week in weeks:
            day = days.index(week)
            stocks, scores = score_day(scorer, inputs, panel.days, day)
            ics.append((week, measure(panel, blocked, day, stocks, scores)))
        values = np.array([ic for week, ic in ics if week in set(weeks)])
        say(f"{config.model_code} {start}: rank IC {np.nanmean(values):.4f}")
        results.parent.mkdir(parents=True, exist_ok=True)
        results.write_text(
            json.dumps([[week.isoformat(), value] for week, value in ics])
        )
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
    parser.add_argument("--build", type=Path, required=True, help="build.duckdb")
    parser.add_argument("--folder", type=Path, default=Path("real_model"))
    parser.add_argument("--first", default="2019-01-01")
    parser.add_argument("--last", default="2024-06-14")
    parser.add_argument("--schedule", default="yearly")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--patience", type=int)
    parser.add_argument("--sample-stocks", type=int)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--models", default="linear_low_frequency,gru_low_frequency")
    options = parser.parse_args()
    by_model = {}
    torch.set_num_threads(options.threads)
    with duckdb.connect(str(options.build), read_only=True) as con:
        con.execute(f"set threads = {options.threads}")
        for code in options.models.split(","):
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
            by_model[code] = run(
                con, config, options.folder / "checkpoints",
                first=options.first, last=options.last,
                results=options.folder / f"{code}.json",
            )  # fmt: skip
            print(table({code: by_model[code]}), flush=True)
    print(table(by_model))


if __name__ == "__main__":
    main()
