"""Training: repeatable, resumed as if never killed, blind to what comes after."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from dataclasses import replace
from datetime import date

import numpy as np
import pytest
import torch

from models_ml import train as train_module
from models_ml.checkpoint import (
    META,
    WEIGHTS,
    CheckpointError,
    load_checkpoint,
    of_seed,
    read_meta,
)
from models_ml.config import WITH_FACTORS
from models_ml.metrics import rank_ic
from models_ml.networks import (
    HEAD_PENALTY,
    HighFrequencyGRU,
    MultiTaskGRU,
    correlation,
    make_network,
)
from models_ml.panel import Labels, make_inputs, prepare_high_frequency
from models_ml.score import open_scorer, score_day
from models_ml.splits import period_of, split_days
from models_ml.train import TrainError, choose_device, train
from tests.ml.conftest import make_config, make_panel

HIGH = {
    "network": "high_frequency_gru", "inputs": "high_frequency",
    "windows": (6,), "steps": (1,),
}  # fmt: skip


def period_and_split(panel, config):
    period = period_of(panel.days[130], config.schedule)
    first = next(i for i, day in enumerate(panel.days) if day >= period.first)
    split = split_days(panel.days, period, config, horizon=config.horizon)
    return period, first, split


FOUR = {
    "network": "four_task_gru", "inputs": "all_frequency",
    "windows": (10, 4, 6), "steps": (1, 3, 1),
}  # fmt: skip
SEPARATE = {"network": "separate_gru"}


def prepared(panel, config):
    if config.inputs in WITH_FACTORS:
        return prepare_high_frequency(panel)
    return panel


def train_until(panel, config, folder, **options):
    """Train on what is known before the period of day 130."""
    period, first, split = period_and_split(panel, config)
    known = replace(panel, days=panel.days[:first], values=panel.values[:first])
    known = prepared(known, config)
    return train(config, known, split, period, folder=folder, **options)


def weights_hash(folder):
    return hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest()


def test_losses_by_hand():
    x = torch.tensor([1.0, 2.0, 3.0])
    y = torch.tensor([1.0, 3.0, 2.0])
    # Covariance 1, variances 2 and 2: 0.5.
    assert correlation(x, y).item() == pytest.approx(0.5)
    assert correlation(x, torch.ones(3)).item() == 0.0
    single = HighFrequencyGRU(2, 3)
    assert single.loss([x], y).item() == pytest.approx(0.5)
    multi = MultiTaskGRU(2, 3, 3)
    # Heads x, x, -x: -(0.5 + 0.5 - 0.5) + 0.01 (1 - 1 - 1).
    loss = multi.loss([x, x, -x], y).item()
    assert loss == pytest.approx(-0.5 - HEAD_PENALTY)


def test_networks_are_those_of_the_papers():
    config = make_config(**HIGH, hidden=30)
    network = make_network(config)
    shapes = {name: tuple(value.shape) for name, value in network.named_parameters()}
    assert shapes["encoder.gru.weight_ih_l0"] == (90, 27)
    assert shapes["head.weight"] == (1, 30)
    score = network([torch.randn(6, 9, 27)])[0]
    assert score.shape == (9,)
    assert ((score > 0) & (score < 1)).all()
    multi = make_network(make_config(hidden=30))
    names = [name for name, _ in multi.named_parameters()]
    # One GRU for all frequencies, a norm and a head for each.
    assert sum("gru.weight_ih" in name for name in names) == 1
    assert sum(name.startswith("heads.") for name in names) == 2 * 2


@pytest.mark.parametrize(
    ("changes", "features", "seen", "mates"),
    [(SEPARATE, (6, 6), (6, 6), []), (FOUR, (6, 27), (6, 6, 27), [(0, 1)])],
    ids=["separate", "four_task"],
)
def test_a_head_learns_through_the_gru_of_its_window(changes, features, seen, mates):
    """Each head moves the GRU that reads its window, and no other."""
    config = make_config(**changes, hidden=30)
    network = make_network(config)
    inputs = [part.gru.weight_ih_l0 for part in (network.encoder, *network.others)]
    assert [tuple(weight.shape) for weight in inputs] == [(90, n) for n in features]
    outputs = network([
        torch.randn(length, 9, count)
        for length, count in zip(config.windows, seen, strict=True)
    ])  # fmt: skip
    moved = [
        [grad is not None for grad in
         torch.autograd.grad(output.square().sum(), inputs, retain_graph=True,
                             allow_unused=True)]
        for output in outputs
    ]  # fmt: skip
    assert all(sum(row) == 1 for row in moved)
    alike = [
        (one, two)
        for one in range(len(moved))
        for two in range(one + 1, len(moved))
        if moved[one] == moved[two]
    ]
    assert alike == mates
    # One loss over all heads: label y, outputs y but for the last, which is -y.
    y = torch.tensor([1.0, 3.0, 2.0])
    heads = [y] * (len(outputs) - 1) + [-y]
    gain = len(outputs) - 2
    pairs = len(outputs) * (len(outputs) - 1) // 2 - 2 * (len(outputs) - 1)
    assert network.loss(heads, y).item() == pytest.approx(pairs * HEAD_PENALTY - gain)


def test_training_finds_the_trend_and_can_be_repeated(panel, tmp_path):
    config = make_config(label="forward10", epochs=5, sample_step=3)
    first = train_until(panel, config, tmp_path / "a")
    second = train_until(panel, config, tmp_path / "b")
    assert first.valid_ic > 0.2
    assert weights_hash(tmp_path / "a") == weights_hash(tmp_path / "b")
    strip = [replace(row, seconds=0.0) for row in first.rows]
    assert strip == [replace(row, seconds=0.0) for row in second.rows]
    assert {row.seed for row in first.rows} == {0, 1}
    first_seed, second_seed = (
        of_seed(load_checkpoint(tmp_path / "a", config)[0], seed) for seed in (0, 1)
    )
    name = "heads.0.weight"
    assert not torch.equal(first_seed[name], second_seed[name])
    assert first.meta.features == ("open", "high", "low", "close", "vwap", "volume")


@pytest.mark.parametrize(
    "changes",
    [
        {},
        HIGH,
        {"network": "linear"},
        {"label": "forward10", "sample_stocks": 20},
        SEPARATE,
        FOUR,
    ],
    ids=["low", "high", "linear", "some_stocks", "separate", "four_task"],
)
def test_later_prices_do_not_change_the_checkpoint(tmp_path, changes):
    """All prices after the cut-off poisoned: the same hash."""
    panel = make_panel()
    config = make_config(**changes, epochs=2, seeds=(0,))
    period, first, split = period_and_split(panel, config)
    assert split.max_label_end < split.first_scored

    def trained(values, folder):
        poisoned = prepared(replace(panel, values=values), config)
        # The whole panel is handed over, the future with it.
        return train(config, poisoned, split, period, folder=folder)

    done = trained(panel.values, tmp_path / "clean")
    assert done.meta.max_label_end == split.max_label_end.isoformat()
    poison = panel.values.clone()
    poison[first:] = 1e6 * torch.rand(poison[first:].shape)
    trained(poison, tmp_path / "poisoned")
    assert weights_hash(tmp_path / "clean") == weights_hash(tmp_path / "poisoned")
    # The test can fail: poison on the last price that a label of train knows is seen.
    seen = split.train[-1] + config.horizon
    prices = poison[seen:, :, : panel.features.index("is_eligible")]
    prices.copy_(1e6 * torch.rand(prices.shape))
    trained(poison, tmp_path / "seen")
    assert weights_hash(tmp_path / "clean") != weights_hash(tmp_path / "seen")


def test_label_that_reaches_the_period_is_refused(panel, tmp_path):
    config = make_config(epochs=1)
    period, first, split = period_and_split(panel, config)
    late = replace(split, valid=(*split.valid, first - config.horizon))
    with pytest.raises(TrainError, match="not before"):
        train(config, panel, late, period, folder=tmp_path / "m")


class Killed(Exception):  # noqa: N818
    """The process is gone."""


@pytest.mark.parametrize("at", [(0, 1), (0, 3), (1, 2)])
def test_a_killed_training_resumes_to_the_same_weights(panel, tmp_path, at):
    config = make_config(label="forward10", sample_stocks=20, sample_step=5, epochs=3)
    straight = train_until(panel, config, tmp_path / "straight")

    def kill(_config, row):
        if (row.seed, row.epoch) == at:
            raise Killed

    # Killed before the epoch's state is written, so the epoch itself is lost.
    with pytest.raises(Killed):
        train_until(panel, config, tmp_path / "resumed", progress=kill)
    seen = []
    resumed = train_until(
        panel, config, tmp_path / "resumed",
        progress=lambda _config, row: seen.append((row.seed, row.epoch)),
    )  # fmt: skip
    assert seen[0] == at
    assert weights_hash(tmp_path / "straight") == weights_hash(tmp_path / "resumed")
    assert [(r.seed, r.epoch, r.loss, r.valid_ic) for r in resumed.rows] == [
        (r.seed, r.epoch, r.loss, r.valid_ic) for r in straight.rows
    ]
    assert not (tmp_path / "resumed.resume").exists()


def test_state_of_another_training_is_not_taken_over(panel, tmp_path):
    config = make_config(seeds=(0,))

    def kill(_config, row):
        if row.epoch == 2:
            raise Killed

    with pytest.raises(Killed):
        train_until(panel, config, tmp_path / "m", progress=kill)
    assert (tmp_path / "m.resume").exists()
    seen = []
    train_until(
        panel, replace(config, hidden=6), tmp_path / "m",
        progress=lambda _config, row: seen.append(row.epoch),
    )  # fmt: skip
    assert seen[0] == 1


def test_early_stop_keeps_the_best_epoch(panel, tmp_path):
    config = make_config(epochs=12, patience=2, seeds=(0,))
    done = train_until(panel, config, tmp_path / "m")
    best = max(done.rows, key=lambda row: row.valid_ic)
    assert best.is_best
    last = done.rows[-1].epoch
    assert last == 12 or last == best.epoch + 2
    assert done.valid_ic == best.valid_ic


@pytest.mark.parametrize(
    "changes", [{}, SEPARATE, FOUR], ids=["low", "separate", "four_task"]
)
def test_scores_are_the_mean_of_the_seeds_and_repeat(panel, tmp_path, changes):
    config = make_config(**changes, label="forward10", epochs=6)
    done = train_until(panel, config, tmp_path / "m")
    panel = prepared(panel, config)
    scorer = open_scorer(tmp_path / "m", config)
    inputs = make_inputs(panel, config)
    day = 130
    stocks, scores = score_day(scorer, inputs, panel.days, day)
    again = score_day(open_scorer(tmp_path / "m", config), inputs, panel.days, day)
    assert np.array_equal(scores, again[1])
    single = [
        score_day(replace(scorer, networks=(network,)), inputs, panel.days, day)[1]
        for network in scorer.networks
    ]
    assert np.allclose(scores, np.mean(single, axis=0), atol=1e-7)
    # Out of sample it still follows the planted trend.
    outcome = Labels(panel, config).raw(day, torch.from_numpy(stocks))
    assert rank_ic(scores[None], outcome[None])[0] > 0.1
    # Scored from a panel that ends on the day itself: to the bit the same.
    cut = replace(panel, days=panel.days[: day + 1], values=panel.values[: day + 1])
    alone = score_day(scorer, make_inputs(cut, config), cut.days, day)
    assert np.array_equal(alone[1], scores)
    # A later training leaves the period's checkpoint, and so its scores, alone.
    assert read_meta(tmp_path / "m") == done.meta


def test_checkpoints_that_do_not_fit_are_refused(panel, tmp_path):
    config = make_config(epochs=1, seeds=(0,))
    done = train_until(panel, config, tmp_path / "m")
    folder = tmp_path / "m"
    inputs = make_inputs(panel, config)
    scorer = open_scorer(folder, config)
    first = panel.days.index(date.fromisoformat(done.meta.first_scored))
    score_day(scorer, inputs, panel.days, first)
    for day in (first - 1, first + 40):
        with pytest.raises(CheckpointError, match="needs another checkpoint"):
            score_day(scorer, inputs, panel.days, min(day, len(panel.days) - 1))
    for change, message in (
        ({"hidden": 9}, "config_sha256 is"),
        ({"model_code": "other"}, "model_code is test_model"),
        ({"inputs": "daily", "network": "linear"}, "features is"),
    ):
        with pytest.raises(CheckpointError, match=message):
            load_checkpoint(folder, replace(config, **change))
    meta = json.loads((folder / META).read_text())
    weights = (folder / WEIGHTS).read_bytes()

    def refused(message):
        with pytest.raises(CheckpointError, match=message) as found:
            open_scorer(folder, config)
        assert "\n" not in str(found.value)

    (folder / WEIGHTS).write_bytes(weights[:-4] + b"abcd")
    refused("corrupted: its SHA-256")
    foreign = b"\x80\x04pickled"
    (folder / WEIGHTS).write_bytes(foreign)
    changed = meta | {"weights_sha256": hashlib.sha256(foreign).hexdigest()}
    (folder / META).write_text(json.dumps(changed))
    refused("no safetensors file")
    (folder / META).write_text("{}")
    refused("format None, expected 1")
    (folder / META).write_text("not json")
    refused("no checkpoint of ours")
    (folder / META).unlink()
    refused("cannot be read")


def test_absent_gpu_is_said(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device("auto").type == "cpu"
    with pytest.raises(TrainError, match="no GPU is visible: set device = 'auto'"):
        choose_device("cuda")


def test_too_few_stocks_are_said(panel, tmp_path):
    config = make_config(minimum_stocks=41)
    with pytest.raises(TrainError, match="no date with 41 stocks"):
        train_until(panel, config, tmp_path / "m")


def test_loss_that_is_not_finite_is_said(panel, tmp_path, monkeypatch):
    monkeypatch.setattr(train_module, "make_network", lambda config: _Broken(config))
    with pytest.raises(TrainError, match="the loss of epoch 1 is nan"):
        train_until(panel, make_config(seeds=(0,)), tmp_path / "m")


class _Broken(MultiTaskGRU):
    def __init__(self, config):
        super().__init__(len(config.features), config.hidden, len(config.windows))

    def loss(self, outputs, label):
        return super().loss(outputs, label) * float("nan")


TWO_PROCESSES = """
import sys
from pathlib import Path
from models_ml.train import start_ranks
from tests.ml.conftest import make_config, make_panel
from tests.ml.train_test import train_until

start_ranks()
config = make_config(label="forward10", sample_step=3)
train_until(make_panel(), config, Path(sys.argv[1]))
"""


def test_two_processes_train_one_model(tmp_path):
    """Under torchrun: an uneven number of dates, one checkpoint, a usable model."""
    script = tmp_path / "two.py"
    script.write_text(TWO_PROCESSES)
    done = subprocess.run(
        [
            sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2",
            "--master-port=29871", str(script), str(tmp_path / "m"),
        ],
        capture_output=True, text=True, check=False, timeout=300,
        env={"PYTHONPATH": str(train_module.Path(__file__).parents[2]),
             "PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1",
             # Two processes of one GPU cannot talk to each other.
             "CUDA_VISIBLE_DEVICES": ""},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    config = make_config(label="forward10", sample_step=3)
    panel = make_panel()
    scorer = open_scorer(tmp_path / "m", config)
    inputs = make_inputs(panel, config)
    stocks, scores = score_day(scorer, inputs, panel.days, 130)
    outcome = Labels(panel, config).raw(130, torch.from_numpy(stocks))
    assert rank_ic(scores[None], outcome[None])[0] > 0.05
