"""Scores of a day from a checkpoint: the mean over its seeds, of each stock.

A checkpoint that does not fit is refused. Add a way of scoring here; keep training and
the store out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from models_ml.checkpoint import CheckpointError, Meta, load_checkpoint, of_seed
from models_ml.config import RunConfig
from models_ml.networks import Network, fuse, make_network
from models_ml.panel import Inputs


@dataclass(frozen=True)
class Scorer:
    """The networks of a checkpoint, one a seed, ready to score."""

    config: RunConfig
    meta: Meta
    networks: tuple[Network, ...]


def open_scorer(
    folder: Path, config: RunConfig, *, device: torch.device | str = "cpu"
) -> Scorer:
    """Read a checkpoint for scoring.

    Raises
    ------
    CheckpointError
        It is corrupted or foreign, or not of this configuration and these features.
    """
    torch.set_num_threads(config.threads)
    tensors, meta = load_checkpoint(folder, config)
    networks = []
    for seed in config.seeds:
        network = make_network(config)
        try:
            network.load_state_dict(of_seed(tensors, seed))
        except RuntimeError as error:
            first = str(error).splitlines()[-1].strip()
            raise CheckpointError(
                f"{folder}: the weights are not those of the network: {first}"
            ) from error
        networks.append(network.to(device).eval())
    return Scorer(config, meta, tuple(networks))


@torch.no_grad()
def score_day(
    scorer: Scorer, inputs: Inputs, days: tuple[date, ...], day: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Score the stocks of one day.

    Parameters
    ----------
    days : tuple of date
        Trading days of the inputs.
    day : int
        Position of the day to score.

    Returns
    -------
    stocks : (n,) array of int
        Positions of the stocks that can be scored; empty below the configuration's
        ``minimum_stocks``.
    scores : (n,) array

    Raises
    ------
    CheckpointError
        The day is not of the checkpoint's period, or lies before the end of what it
        learnt.
    """
    if not scorer.meta.may_score(days[day]):
        raise CheckpointError(
            f"{scorer.meta.run_id} may score from {scorer.meta.first_scored} to before "
            f"{scorer.meta.period_end} and knows prices to "
            f"{scorer.meta.max_label_end}: {days[day]} needs another checkpoint"
        )
    stocks = inputs.stocks(day)
    if len(stocks) < scorer.config.minimum_stocks:
        return np.empty(0, np.int64), np.empty(0)
    windows = inputs.batch(day, stocks)
    outputs = [fuse(network(windows)) for network in scorer.networks]
    score = torch.stack(outputs).double().mean(dim=0)
    return stocks.cpu().numpy(), score.cpu().numpy()
