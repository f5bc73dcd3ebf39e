"""Training: one loop, top to bottom, from a panel and a split to a checkpoint.

The same code runs on a CPU, on one GPU, and on several under ``torchrun``. Add what
changes the loop here; keep data, networks and the choice of days out.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch import distributed as dist
from torch.nn.parallel import DistributedDataParallel

from models_ml.checkpoint import Meta, clone, load_state, save_checkpoint, save_state
from models_ml.config import RunConfig
from models_ml.metrics import rank_ic
from models_ml.networks import LinearBaseline, Network, flatten, fuse, make_network
from models_ml.panel import Floats, Inputs, Labels, Panel, make_inputs
from models_ml.splits import Period, Split

# A gradient longer than this is a bad day, not a direction.
LONGEST_GRADIENT = 3.0
# Order of a seed's epochs: epoch e of seed s is drawn from s * this + e.
EPOCH_STRIDE = 100_003


class TrainError(RuntimeError):
    """A model cannot be trained; the message says why."""


class HistoryError(TrainError):
    """Too little is loaded to train a model; the message says what is missing."""


@dataclass(frozen=True)
class EpochRow:
    """What an epoch came to: a row of ``meta_training_epoch``."""

    seed: int
    epoch: int
    loss: float
    valid_ic: float
    is_best: bool
    seconds: float


Progress = Callable[[RunConfig, EpochRow], None]


@dataclass(frozen=True)
class Trained:
    """A finished training.

    Attributes
    ----------
    rows : tuple of EpochRow
        All epochs of all seeds.
    valid_ic : float
        Mean over the seeds of the best validation rank IC.
    stock_count : int
        Stocks of the largest sample.
    """

    meta: Meta
    folder: Path
    rows: tuple[EpochRow, ...]
    valid_ic: float
    stock_count: int
    parameter_count: int
    train_date_count: int
    valid_date_count: int
    device: str
    seconds: float


def choose_device(name: str) -> torch.device:
    """Return the device of a configuration, this process's own under ``torchrun``.

    Raises
    ------
    TrainError
        A GPU is asked for and there is none.
    """
    if name == "cpu" or (name == "auto" and not torch.cuda.is_available()):
        return torch.device("cpu")
    if not torch.cuda.is_available():
        raise TrainError("device = 'cuda', but no GPU is visible: set device = 'auto'")
    return torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0)))


def _ranks() -> tuple[int, int]:
    """Return this process's number and how many train together."""
    if dist.is_available() and dist.is_initialized():
        return dist.get_rank(), dist.get_world_size()
    return 0, 1


def train(
    config: RunConfig,
    panel: Panel,
    split: Split,
    period: Period,
    *,
    folder: Path,
    styles: dict[date, Floats] | None = None,
    progress: Progress | None = None,
) -> Trained:
    """Train all seeds of a model and write their checkpoint.

    Parameters
    ----------
    panel : Panel
        Data that reach no further than the last day before the period.
    split : Split
        Days of train and valid, positions in ``panel.days``.
    period : Period
        What the checkpoint may score.
    folder : Path
        Folder of the checkpoint. Beside it ``<folder>.resume`` keeps the state of an
        unfinished training; a killed one goes on from its last epoch to the very
        weights that a straight run has.
    styles : dict, optional
        What `read_styles` gives, for a label that is neutral to styles.
    progress : callable, optional
        Told of each epoch.

    Returns
    -------
    Trained

    Raises
    ------
    HistoryError
        There is no date with enough stocks.
    TrainError
        A label reaches the period, the loss is not finite, or the device is absent.

    Notes
    -----
    One batch is one date's cross-section; every date counts, the last one too. Early
    stopping looks at the mean rank IC of the valid dates. Stocks without a label leave
    the batch. With several processes each takes every n-th date of an epoch and
    gradients are averaged; all validate everything, so that all stop together.
    """
    started = time.monotonic()
    device = choose_device(config.device)
    # Sums depend on the number of threads, and so would the hash of the checkpoint.
    torch.set_num_threads(config.threads)
    rank, world = _ranks()
    panel = panel.to(device)
    inputs, labels = make_inputs(panel, config), Labels(panel, config, styles)
    days = panel.days
    known_until = days[max(split.train + split.valid) + labels.horizon]
    if not known_until < split.first_scored:
        raise TrainError(
            f"labels reach {known_until}, not before {split.first_scored}, the first "
            "day to score"
        )
    stocks, targets = _samples(config, inputs, labels, split)
    train_days = [day for day in split.train if day in stocks]
    valid_days = [day for day in split.valid if day in stocks]
    if not train_days or not valid_days:
        raise HistoryError(
            f"history too short: no date with {config.minimum_stocks} stocks that have "
            f"inputs and a label in {'train' if not train_days else 'valid'}"
        )
    resume = folder.with_name(folder.name + ".resume")
    fingerprint = f"{config.sha256} {split} {days[0]}"
    history: list[EpochRow] = []
    finished: dict[str, Tensor] = {}

    # Where a killed training stopped: seeds that are through, and the state of one.
    state: dict[str, Tensor] = {}
    notes: dict[str, Any] = {"seed": config.seeds[0], "epoch": 0, "stale": 0}
    kept = load_state(resume)
    if kept is not None:
        found, said = kept
        if said.get("fingerprint") == fingerprint:
            notes, state = said, found
            history = [EpochRow(**row) for row in said["rows"]]
            finished = {k: v for k, v in found.items() if k.startswith("seed")}

    parameter_count = 0
    for seed in config.seeds:
        if any(name.startswith(f"seed{seed}.") for name in finished):
            continue
        torch.manual_seed(seed)
        network = make_network(config).to(device)
        parameter_count = sum(p.numel() for p in network.parameters())
        if isinstance(network, LinearBaseline):
            row, best = _fit_ridge(
                config, network, inputs, stocks, targets, train_days, valid_days, seed
            )
            history.append(row)
            if progress is not None:
                progress(config, row)
            finished |= {f"seed{seed}.{name}": value for name, value in best.items()}
            continue

        optimizer = torch.optim.Adam(network.parameters(), lr=config.learning_rate)
        best, best_ic, stale, first_epoch = clone(network.state_dict()), -np.inf, 0, 1
        if notes["seed"] == seed and notes["epoch"] > 0:
            network.load_state_dict(_part(state, "model."))
            best, best_ic, stale = (
                _part(state, "best."),
                notes["best_ic"],
                notes["stale"],
            )
            _load_adam(optimizer, _part(state, "adam."))
            first_epoch = notes["epoch"] + 1
        model: nn.Module = network
        if world > 1:
            model = DistributedDataParallel(
                network, device_ids=[device.index] if device.type == "cuda" else None
            )
        half = device.type == "cuda" and torch.cuda.is_bf16_supported()

        for epoch in range(first_epoch, config.epochs + 1):
            if stale >= config.patience:
                break
            epoch_started = time.monotonic()
            # The order hangs on seed and epoch alone: a resumed run draws the same.
            generator = torch.Generator().manual_seed(seed * EPOCH_STRIDE + epoch)
            order = torch.randperm(len(train_days), generator=generator).tolist()
            network.train()
            total, count = torch.zeros((), device=device), 0
            for step in range(0, len(order), world):
                # In the last round some processes may have no date left: they go
                # through one with weight 0, because all must meet in the backward pass.
                share = min(world, len(order) - step)
                mine = min(step + rank, len(order) - 1)
                day = train_days[order[mine]]
                weight = world / share if rank < share else 0.0
                chosen, target = stocks[day], targets[day]
                if 0 < config.sample_stocks < len(chosen):
                    drawn = torch.randperm(len(chosen), generator=generator)
                    rows = drawn[: config.sample_stocks].to(device)
                    chosen, target = chosen[rows], target[rows]
                windows = inputs.batch(day, chosen)
                with torch.autocast("cuda", torch.bfloat16) if half else nullcontext():
                    outputs = model(windows)
                loss = network.loss(outputs, target)
                optimizer.zero_grad(set_to_none=True)
                (loss * weight).backward()  # type: ignore[no-untyped-call]
                nn.utils.clip_grad_norm_(network.parameters(), LONGEST_GRADIENT)
                optimizer.step()
                # A tensor, so that a GPU is waited for once an epoch only.
                total = total + loss.detach() * (weight > 0)
                count += weight > 0
            mean_loss = _mean_over_ranks(total, count)
            if not np.isfinite(mean_loss):
                raise TrainError(
                    f"{config.model_code}: the loss of epoch {epoch} is {mean_loss}: "
                    "lower learning_rate or look at the inputs"
                )
            valid_ic = validate(network, inputs, stocks, targets, valid_days)
            is_best = valid_ic > best_ic
            if is_best:
                best, best_ic, stale = clone(network.state_dict()), valid_ic, 0
            else:
                stale += 1
            row = EpochRow(
                seed, epoch, mean_loss, valid_ic, is_best,
                time.monotonic() - epoch_started,
            )  # fmt: skip
            history.append(row)
            if rank == 0:
                if progress is not None:
                    progress(config, row)
                save_state(
                    resume,
                    finished
                    | {f"model.{k}": v for k, v in network.state_dict().items()}
                    | {f"best.{k}": v for k, v in best.items()}
                    | {f"adam.{k}": v for k, v in _adam(optimizer).items()},
                    {
                        "fingerprint": fingerprint, "seed": seed, "epoch": epoch,
                        "stale": stale, "best_ic": best_ic,
                        "rows": [asdict(row) for row in history],
                    },
                )  # fmt: skip
        finished |= {f"seed{seed}.{name}": value for name, value in best.items()}

    meta = Meta(
        model_code=config.model_code,
        features=config.features,
        config_sha256=config.sha256,
        config_json=config.to_json(),
        train_first=days[train_days[0]].isoformat(),
        train_last=days[train_days[-1]].isoformat(),
        valid_first=days[valid_days[0]].isoformat(),
        valid_last=days[valid_days[-1]].isoformat(),
        max_label_end=known_until.isoformat(),
        first_scored=split.first_scored.isoformat(),
        period_end=period.end.isoformat(),
        code_version=version("lundong"),
    )
    if rank == 0:
        meta = save_checkpoint(folder, finished, meta)
        resume.unlink(missing_ok=True)
    return Trained(
        meta=meta,
        folder=folder,
        rows=tuple(history),
        valid_ic=float(
            np.mean([
                max(row.valid_ic for row in history if row.seed == seed)
                for seed in config.seeds
            ])
        ),
        stock_count=max(len(chosen) for chosen in stocks.values()),
        parameter_count=parameter_count,
        train_date_count=len(train_days),
        valid_date_count=len(valid_days),
        device=str(device),
        seconds=time.monotonic() - started,
    )  # fmt: skip


def _samples(
    config: RunConfig, inputs: Inputs, labels: Labels, split: Split
) -> tuple[dict[int, Tensor], dict[int, Tensor]]:
    """Return stocks and labels of each day with enough of them."""
    stocks: dict[int, Tensor] = {}
    targets: dict[int, Tensor] = {}
    for day in (*split.train, *split.valid):
        chosen = inputs.stocks(day)
        if len(chosen) < config.minimum_stocks:
            continue
        target = labels.values(day, chosen)
        known = torch.isfinite(target)
        if int(known.sum()) < config.minimum_stocks:
            continue
        stocks[day], targets[day] = chosen[known], target[known]
    return stocks, targets


@torch.no_grad()
def validate(
    network: Network,
    inputs: Inputs,
    stocks: Mapping[int, Tensor],
    targets: Mapping[int, Tensor],
    days: Sequence[int],
) -> float:
    """Return the mean rank IC of the network's score over some days; 0 if undefined."""
    network.eval()
    values = []
    for day in days:
        score = fuse(network(inputs.batch(day, stocks[day]))).cpu().double().numpy()
        target = targets[day].cpu().double().numpy()
        values.append(rank_ic(score[None], target[None])[0])
    defined = [value for value in values if np.isfinite(value)]
    return float(np.mean(defined)) if defined else 0.0


def _fit_ridge(
    config: RunConfig,
    network: LinearBaseline,
    inputs: Inputs,
    stocks: Mapping[int, Tensor],
    targets: Mapping[int, Tensor],
    train_days: Sequence[int],
    valid_days: Sequence[int],
    seed: int,
) -> tuple[EpochRow, dict[str, Tensor]]:
    """Fit the linear baseline: least squares with the penalty that is best on valid.

    Formula: (X'X / n + penalty I) w = X'y / n, X all values of the windows.
    """
    started = time.monotonic()
    size = network.head.in_features
    device = network.head.weight.device
    square = torch.zeros((size, size), dtype=torch.float64, device=device)
    product = torch.zeros(size, dtype=torch.float64, device=device)
    count, residual = 0, 0.0
    for day in train_days:
        # Products of one date in single precision, their sum over dates in double.
        x = flatten(inputs.batch(day, stocks[day]))
        square += (x.T @ x).double()
        product += (x.T @ targets[day]).double()
        count += len(x)
        residual += float(targets[day].square().sum())
    best: dict[str, Tensor] = {}
    best_ic, best_loss = -np.inf, float("nan")
    for penalty in config.penalties:
        ridge = square / count + penalty * torch.eye(
            size, dtype=torch.float64, device=device
        )
        weight = torch.linalg.solve(ridge, product / count)
        with torch.no_grad():
            network.head.weight.copy_(weight[None].float())
            network.head.bias.zero_()
        valid_ic = validate(network, inputs, stocks, targets, valid_days)
        if valid_ic > best_ic:
            best, best_ic = clone(network.state_dict()), valid_ic
            # Mean squared error of train.
            fit = weight @ (square @ weight) - 2.0 * weight @ product
            best_loss = (residual + float(fit)) / count
    seconds = time.monotonic() - started
    return EpochRow(seed, 1, best_loss, best_ic, is_best=True, seconds=seconds), best


def _mean_over_ranks(total: Tensor, count: int) -> float:
    """Return the mean loss of an epoch over all processes."""
    pair = torch.stack([total.double().cpu(), torch.tensor(float(count)).double()])
    if _ranks()[1] > 1:
        device = "cuda" if dist.get_backend() == "nccl" else "cpu"
        pair = pair.to(device)
        dist.all_reduce(pair)
    return float(pair[0] / pair[1])


def _part(state: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): value
        for name, value in state.items()
        if name.startswith(prefix)
    }


def _adam(optimizer: torch.optim.Adam) -> dict[str, Tensor]:
    """Return Adam's moments by ``<number of the weight>.<name>``."""
    return {
        f"{number}.{name}": torch.as_tensor(value)
        for number, values in optimizer.state_dict()["state"].items()
        for name, value in values.items()
    }


def _load_adam(optimizer: torch.optim.Adam, moments: Mapping[str, Tensor]) -> None:
    """Put moments back as `_adam` gave them."""
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in moments.items():
        number, name = key.split(".", 1)
        state.setdefault(int(number), {})[name] = value
    optimizer.load_state_dict(
        {"state": state, "param_groups": optimizer.state_dict()["param_groups"]}
    )


def start_ranks() -> None:
    """Join the other processes when ``torchrun`` started this one."""
    if "RANK" in os.environ and not dist.is_initialized():
        dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
