"""Both networks at the market's size: seconds and memory of training and scoring.

The tables that models read are made up, without a gap. ``train`` runs beside a bare
loop over ready tensors, our windows beside qlib's time-series sampler (not in the lock:
``pip install pyqlib -c requirements.lock``), a week is scored from the checkpoints, and
3,500 days are trained in a process of their own. What a model finds out belongs to
``model_benchmark``.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import cycle, islice
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.measure import run_measured, watch_peak

# Threads that wait in a loop take the other one's core where the machine is busy: an
# epoch took five times as long, and its CPU time said nothing.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from models_ml.config import CONFIGS, HIGH_FREQUENCY, RunConfig, load_config
from models_ml.networks import fuse, make_network
from models_ml.panel import Inputs, Labels, Panel, make_inputs
from models_ml.read import read_inputs, trading_days
from models_ml.score import open_scorer, score_day
from models_ml.splits import Period, Split, split_days
from models_ml.train import EpochRow, train
from warehouse.settings import PROJECT_ROOT, Settings
from warehouse.store import connect_build

try:
    from qlib.data.dataset import TSDataSampler
    from qlib.model.utils import ConcatDataset
except ImportError:
    TSDataSampler = None

STOCKS, DAYS = 5_400, 360
PEAK_STOCKS, PEAK_DAYS = 5_000, 3_500
MODELS = ("gru_low_frequency", "gru_high_frequency")
LARGEST_RATIO_TO_BARE = 1.10
LEAST_RATIO_TO_QLIB = 1.5
WEEK_SECONDS = 5.0
PEAK_GIGABYTES = 12.0
TURNS = 5
# Batches of a turn, and those before it that fill the queues of qlib's workers.
BATCHES, FIRST_BATCHES = 8, 2
QLIB_WORKERS = {"qlib, no workers": 0, "qlib, 2 workers": 2}
# Samples and epochs of the training that is timed: three seeds of two epochs.
QUICK = {"train_days": 80, "epochs": 2}

console = Console(highlight=False, width=120)

Seconds = npt.NDArray[np.float64]
Batches = Iterator[tuple[list[Tensor], Tensor]]
# Columns of the times; the second is judged where something else takes the CPUs.
CLOCKS = ("wall", "CPU")


def now() -> Seconds:
    """Return the time by the clocks."""
    return np.array([time.perf_counter(), time.process_time()])


def make_store(settings: Settings, stocks: int, days: int) -> None:
    """Write the tables that models read: waves with noise."""
    first = np.datetime64("2010-01-04")
    calendar = np.busday_offset(first, np.arange(days)).astype(object).tolist()
    factors = ", ".join(
        f"round(noise(stock, day, {number}), 4) as {name}"
        for number, name in enumerate(HIGH_FREQUENCY, start=10)
    )
    with connect_build(settings) as con:
        con.execute("create schema if not exists raw")
        con.execute("create schema if not exists intermediate")
        con.execute("create schema if not exists factors")
        con.execute(
            "create table intermediate.int_trading_day as "
            "select unnest(cast(? as date[])) as trade_date, true as is_loaded",
            [calendar],
        )
        con.execute("create temp table stock as select unnest(range(?)) as n", [stocks])
        con.execute(
            f"""
            create temp macro noise(stock, day, number) as
                hash(stock, day, number) / 18446744073709551615.0 - 0.5;
            create table raw.daily_bar as from intermediate.int_trading_day;
            create temp view panel as
            select
                days.trade_date,
                days.day,
                stock.n as stock,
                printf('%06d.SH', 600000 + stock.n) as security_code
            from (
                select trade_date, row_number() over (order by trade_date) as day
                from intermediate.int_trading_day
            ) as days
            cross join stock;
            create table intermediate.int_model_input_daily as
            select
                trade_date,
                security_code,
                10 * exp(
                    0.4 * sin(stock + day / (9 + stock % 13))
                    + 0.05 * noise(stock, day, 0)
                ) as close,
                close * (1 + 0.01 * noise(stock, day, 1)) as open,
                1.02 * close as high,
                0.98 * close as low,
                close * (1 + 0.01 * noise(stock, day, 2)) as vwap,
                round(1e6 * (1 + noise(stock, day, 3))) as volume,
                true as is_eligible,
                20 + 0.1 * (stock % 50) + noise(stock, day, 4) as log_market_cap
            from panel;
            create table intermediate.int_model_input_industry_daily as
            select trade_date, security_code, stock % 30 as industry from panel;
            create table factors.fct_high_frequency_factor_daily as
            select trade_date, security_code, {factors} from panel;
            """
        )


def read_panel(settings: Settings, config: RunConfig, days: int) -> Panel:
    """Read the last days as training and scoring read them."""
    with connect_build(settings, read_only=True) as con:
        return read_inputs(con, config.inputs, days=trading_days(con)[-days:])


def make_config(code: str, **changes: object) -> RunConfig:
    """Return a model's full configuration, on the CPU, with changes."""
    changes = {"device": "cpu", "minimum_samples": 2, **changes}
    return replace(load_config(CONFIGS / f"{code}.toml"), **changes)


def before_last_day(panel: Panel, config: RunConfig) -> tuple[Panel, Split, Period]:
    """Return what may train a checkpoint that scores the panel's last day."""
    last = panel.days[-1]
    known = replace(panel, days=panel.days[:-1], values=panel.values[:-1])
    period = Period(last, last + timedelta(days=1))
    return known, split_days(known.days, period, config, horizon=config.horizon), period


class Loop:
    """The bare loop: network, loss and Adam, and nothing else."""

    def __init__(self, config: RunConfig) -> None:
        self.network = make_network(config)
        self._optimizer = torch.optim.Adam(
            self.network.parameters(), lr=config.learning_rate
        )

    def step(self, windows: Sequence[Tensor], target: Tensor) -> None:
        """Learn from one batch."""
        loss = self.network.loss(self.network(windows), target)
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self._optimizer.step()


def our_batches(inputs: Inputs, labels: Labels, days: Iterable[int]) -> Batches:
    """Yield the windows and labels of days as training takes them."""
    for day in days:
        stocks = inputs.stocks(day)
        target = labels.values(day, stocks)
        known = torch.isfinite(target)
        yield inputs.batch(day, stocks[known]), target[known]


def compare_training(config: RunConfig, panel: Panel, folder: Path) -> Seconds:
    """Train and write the checkpoint; after each epoch the bare loop has its turn.

    Ours is all that lies between two turns: windows, loss, gradients and their
    clipping, rank IC of the valid days, state saved. The bare loop takes the same days
    of train and runs the network over those of valid.

    Returns
    -------
    (turns, 2, 2) array
        By turn: ours and bare, by the clocks. In the first turn ours
        computes labels, means and spreads, which it then keeps for all seeds.
    """
    panel, split, period = before_last_day(panel, config)
    inputs, labels = make_inputs(panel, config), Labels(panel, config)
    learnt = list(our_batches(inputs, labels, split.train))
    judged = list(our_batches(inputs, labels, split.valid))
    loop = Loop(config)
    turns = []
    last = now()

    def bare_epoch(_: RunConfig, __: EpochRow) -> None:
        nonlocal last
        begin = now()
        loop.network.train()
        for windows, target in learnt:
            loop.step(windows, target)
        loop.network.eval()
        with torch.no_grad():
            for windows, _target in judged:
                fuse(loop.network(windows))
        end = now()
        turns.append([begin - last, end - begin])
        last = end

    train(config, panel, split, period, folder=folder, progress=bare_epoch)
    return np.array(turns)


def print_training(config: RunConfig, turns: Seconds, clock: int) -> dict[str, bool]:
    """Print seconds of the epochs; return what holds."""
    ratios = turns[:, 0] / turns[:, 1]
    ratio = np.median(ratios[1:], axis=0)
    seconds = np.median(turns[1:], axis=0)
    for place, name in enumerate(CLOCKS):
        console.print(
            f"{config.model_code}: {seconds[0, place]:.2f} s an epoch, bare "
            f"{seconds[1, place]:.2f} s of {name} time; median ratio "
            f"{ratio[place]:.3f}, of the first epoch {ratios[0, place]:.3f}"
        )
    claim = f"{config.model_code} trains in {LARGEST_RATIO_TO_BARE} times a bare loop"
    return {claim: ratio[clock] <= LARGEST_RATIO_TO_BARE}


def qlib_sampler(panel: Panel, config: RunConfig, days: Sequence[int]) -> TSDataSampler:
    """Return qlib's sampler of factors and labels, filled as its GRU asks for it."""
    inputs, labels = make_inputs(panel, config), Labels(panel, config)
    index = pd.MultiIndex.from_product(
        [pd.DatetimeIndex(panel.days), panel.codes], names=["datetime", "instrument"]
    )
    # No other name holds the values: the sampler empties the frame when it has them.
    frame = pd.DataFrame(
        panel.columns(HIGH_FREQUENCY).reshape(len(index), -1).numpy(),
        index=index,
        columns=list(HIGH_FREQUENCY),
        copy=False,
    )
    label = np.full((len(panel.days), len(panel.codes)), np.nan, dtype=np.float32)
    for day in days:
        stocks = inputs.stocks(day)
        label[day, stocks] = labels.values(day, stocks)
    frame["label"] = label.reshape(-1)
    sampler = TSDataSampler(
        frame, panel.days[days[0]], panel.days[days[-1]], config.windows[0]
    )
    sampler.config(fillna_type="ffill+bfill")
    return sampler


def qlib_batches(sampler: TSDataSampler, size: int, workers: int) -> Batches:
    """Yield shuffled batches as qlib's ``pytorch_gru_ts`` takes them."""
    loader = DataLoader(
        ConcatDataset(sampler, np.ones(len(sampler))),
        batch_size=size, shuffle=True, num_workers=workers, drop_last=True,
    )  # fmt: skip
    for data, _ in loader:
        yield [data[:, :, :-1].float().transpose(0, 1)], data[:, -1, -1]


def samples_a_second(loop: Loop, batches: Batches) -> Seconds:
    """Train for a turn; return samples a second by the clocks."""
    for windows, target in islice(batches, FIRST_BATCHES):
        loop.step(windows, target)
    begin, count = now(), 0
    for windows, target in islice(batches, BATCHES):
        loop.step(windows, target)
        count += len(target)
    return count / (now() - begin)


def compare_feeding(config: RunConfig, panel: Panel) -> dict[str, bool]:
    """Train one network by our windows and by qlib's sampler; return what holds.

    Judged by the wall with and without qlib's workers, whose CPU time is their own.
    Memory is what a feeding adds to the process: ours the panel, views and batches,
    qlib's frame, sampler and batches. The network has taken its own before.
    """
    loop, process = Loop(config), psutil.Process()
    days = range(config.lookback_days, len(panel.days) - config.horizon)
    labels = Labels(panel, config)
    samples_a_second(loop, our_batches(make_inputs(panel, config), labels, days))
    with watch_peak(process) as our_peak:
        inputs = make_inputs(panel, config)
        feed = our_batches(inputs, labels, cycle(days))
        samples_a_second(loop, feed)
    size = len(inputs.stocks(days[0]))
    with watch_peak(process) as qlib_peak:
        sampler = qlib_sampler(panel, config, days)
        samples_a_second(loop, qlib_batches(sampler, size, 0))
    window = inputs.batch(days[0], torch.tensor([3]))[0][:, 0].numpy()
    theirs = sampler[(panel.days[days[0]], panel.codes[3])][:, :-1]
    if not np.array_equal(window, theirs):
        raise RuntimeError("qlib's sampler gives another window than ours")

    rates: dict[str, list[Seconds]] = {name: [] for name in ("ours", *QLIB_WORKERS)}
    for _ in range(TURNS):
        rates["ours"].append(samples_a_second(loop, feed))
        for name, workers in QLIB_WORKERS.items():
            batches = qlib_batches(sampler, size, workers)
            rates[name].append(samples_a_second(loop, batches))
    table = Table("fed by", "samples a second", "ours over it", "of CPU time", "ours")
    least = np.inf
    for name, found in rates.items():
        rate = np.median(found, axis=0)
        ratio = np.median(np.divide(rates["ours"], found), axis=0)
        alone = QLIB_WORKERS.get(name, 0) == 0
        table.add_row(
            name, f"{rate[0]:,.0f}", f"{ratio[0]:.2f}",
            *((f"{rate[1]:,.0f}", f"{ratio[1]:.2f}") if alone else ()),
        )  # fmt: skip
        if name in QLIB_WORKERS:
            least = min(least, ratio[0])
    console.print(table)
    our_gigabytes = panel.values.nbytes / 1e9 + our_peak.growth_gigabytes
    console.print(
        f"peak memory of the feeding: ours {our_gigabytes:.2f} GB, qlib "
        f"{qlib_peak.growth_gigabytes:.2f} GB without workers"
    )
    claim = f"{LEAST_RATIO_TO_QLIB} times the samples a second of qlib at its best"
    return {claim: bool(least >= LEAST_RATIO_TO_QLIB)}


def compare_scoring(
    settings: Settings, configs: Sequence[RunConfig], folder: Path, clock: int
) -> dict[str, bool]:
    """Score the last day with all networks from their checkpoints; return what holds.

    As a refresh does it: read the days that the windows need, open, score.
    """
    spent = []
    for _ in range(TURNS):
        for config in configs:
            begin = now()
            panel = read_panel(settings, config, config.lookback_days + 1)
            middle = now()
            scorer = open_scorer(folder / config.model_code, config)
            inputs = make_inputs(panel, config)
            stocks, scores = score_day(scorer, inputs, panel.days, len(panel.days) - 1)
            spent.append((middle - begin, now() - middle))
            if not np.isfinite(scores).all() or len(stocks) < len(panel.codes):
                raise RuntimeError(f"{config.model_code}: stocks without a score")
    seconds = np.median(np.reshape(spent, (TURNS, len(configs), 2, 2)), axis=0)
    table = Table("scoring", "seeds", "read, s", "scored, s", "CPU, read", "scored")
    for config, taken in zip(configs, seconds, strict=True):
        table.add_row(
            config.model_code,
            str(len(config.seeds)),
            *(f"{value:.2f}" for value in taken.T.ravel()),
        )
    console.print(table)
    total = seconds[..., clock].sum()
    claim = f"a week of {len(stocks):,} stocks scored in {WEEK_SECONDS:.0f} s"
    return {f"{claim} ({total:.2f} s)": bool(total <= WEEK_SECONDS)}


def train_all_days(settings: Settings, code: str) -> None:
    """Train a model over all days of the store, on few samples of them."""
    config = make_config(code, train_days=100_000, epochs=1, seeds=(0,))
    config = replace(config, sample_step=300)
    panel, split, period = before_last_day(read_panel(settings, config, 0), config)
    train(config, panel, split, period, folder=settings.home / code)


def measure_peak(home: Path, code: str) -> dict[str, bool]:
    """Train all days in a process of its own, and measure it; return what holds."""
    command = [sys.executable, "-m", "benchmarks.training_benchmark"]
    measured = run_measured(
        [*command, "--peak-of", code, "--home", str(home)],
        {"PYTHONPATH": str(PROJECT_ROOT)},
    )
    console.print(
        f"{code}: reading and an epoch of few samples peak at "
        f"{measured.peak_gigabytes:.2f} GB, {measured.seconds:.0f} s"
    )
    claim = f"{code} trains within {PEAK_GIGABYTES} GB"
    return {claim: measured.peak_gigabytes <= PEAK_GIGABYTES}


def measure_speed(stocks: int, clock: int) -> dict[str, bool]:
    """Train both networks, feed one by qlib too, score a week; return what holds."""
    holds: dict[str, bool] = {}
    configs = [make_config(code, **QUICK) for code in MODELS]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        settings = Settings(folder / "store")
        make_store(settings, stocks, DAYS)
        for config in configs:
            panel = read_panel(settings, config, 0)
            turns = compare_training(config, panel, folder / config.model_code)
            holds |= print_training(config, turns, clock)
        if TSDataSampler is None:
            console.print(
                "not judged, skipped: feeding by qlib, "
                "pip install pyqlib -c requirements.lock"
            )
        else:
            holds |= compare_feeding(config, panel)
        return holds | compare_scoring(settings, configs, folder, clock)


def measure_memory(stocks: int, days: int) -> dict[str, bool]:
    """Train each network over all days, one after the other; return what holds."""
    holds: dict[str, bool] = {}
    with tempfile.TemporaryDirectory() as scratch:
        make_store(Settings(Path(scratch)), stocks, days)
        for code in MODELS:
            holds |= measure_peak(Path(scratch), code)
    return holds


def main() -> None:
    """Measure the sizes asked for; end with an error where a bound is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", choices=("speed", "memory"), help="default: both")
    parser.add_argument("--stocks", type=int, default=STOCKS)
    parser.add_argument("--peak-stocks", type=int, default=PEAK_STOCKS)
    parser.add_argument("--peak-days", type=int, default=PEAK_DAYS)
    parser.add_argument("--peak-of", choices=MODELS, help=argparse.SUPPRESS)
    parser.add_argument("--home", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peak_of:
        train_all_days(Settings(options.home), options.peak_of)
        return
    load, cores = os.getloadavg()[0], os.cpu_count() or 1
    # Judged by the wall, unless more than half of the cores work for others.
    clock = int(load > cores / 2)
    console.print(
        f"load {load:.1f} on {cores} cores: judged by {CLOCKS[clock]} time; "
        f"medians of {TURNS} turns"
    )
    holds: dict[str, bool] = {}
    if options.part != "memory":
        holds |= measure_speed(options.stocks, clock)
    if options.part != "speed":
        holds |= measure_memory(options.peak_stocks, options.peak_days)
    sizes = (options.stocks, options.peak_stocks, options.peak_days)
    if sizes != (STOCKS, PEAK_STOCKS, PEAK_DAYS):
        console.print("not judged: made smaller")
        return
    for claim, is_met in holds.items():
        console.print(f"{'holds' if is_met else 'MISSED'}: {claim}")
    if not all(holds.values()):
        raise SystemExit("error: a bound is missed")


if __name__ == "__main__":
    main()
