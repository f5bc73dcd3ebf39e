"""The networks and their losses: small modules over one date's cross-section.

Inputs are [window, stock, feature] tensors, outputs [stock] tensors, one a head. Add a
network with its loss here; keep data and loops out.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from models_ml.config import HIGH_FREQUENCY, PRICE_VOLUME, RunConfig

# Weight of the heads' correlation with each other in the multi-task loss (HT 2023-12).
HEAD_PENALTY = 0.01


def correlation(x: Tensor, y: Tensor) -> Tensor:
    """Return Pearson's correlation of two [stock] tensors; 0 where one is constant."""
    x, y = x.float() - x.float().mean(), y.float() - y.float().mean()
    spread = (x.square().sum() * y.square().sum()).sqrt()
    return (x * y).sum() / spread.clamp_min(1e-12)


class _LastState(nn.Module):
    """A GRU over [window, stock, feature] that returns its last state, [stock, hidden].

    It starts as torch's own does; weights are the network's only state.
    """

    def __init__(self, features: int, hidden: int) -> None:
        super().__init__()
        self.gru = nn.GRU(features, hidden)

    def forward(self, window: Tensor) -> Tensor:
        states: Tensor = self.gru(window)[0]
        return states[-1]


class HighFrequencyGRU(nn.Module):
    """GRU -> BatchNorm -> FC -> Sigmoid over one window (HT 2023-12, section 5).

    Loss of a date: 1 - correlation of output and label.
    """

    def __init__(self, features: int, hidden: int) -> None:
        super().__init__()
        self.encoder = _LastState(features, hidden)
        self.norm = nn.BatchNorm1d(hidden)
        self.head = nn.Linear(hidden, 1)

    def forward(self, windows: Sequence[Tensor]) -> list[Tensor]:
        """Return the output, [stock], in a list of one."""
        state = self.norm(self.encoder(windows[0]))
        return [torch.sigmoid(self.head(state)).squeeze(1)]

    def loss(self, outputs: Sequence[Tensor], label: Tensor) -> Tensor:
        """Return the loss of one date."""
        return 1.0 - correlation(outputs[0], label)


class DailyBaselineGRU(HighFrequencyGRU):
    """The plain GRU of CP's daily baseline: without the sigmoid, the same loss."""

    def forward(self, windows: Sequence[Tensor]) -> list[Tensor]:
        """Return the output, [stock], in a list of one."""
        return [self.head(self.norm(self.encoder(windows[0]))).squeeze(1)]


class MultiTaskGRU(nn.Module):
    """One GRU shared by the windows of all frequencies, a BatchNorm and FC for each.

    Loss of a date: - sum of the heads' correlations with the label + 0.01 x sum of
    their correlations with each other (HT 2023-12, section 5).
    """

    def __init__(self, features: int, hidden: int, heads: int) -> None:
        super().__init__()
        self.encoder = _LastState(features, hidden)
        self.norms = nn.ModuleList(nn.BatchNorm1d(hidden) for _ in range(heads))
        self.heads = nn.ModuleList(nn.Linear(hidden, 1) for _ in range(heads))

    def states(self, windows: Sequence[Tensor]) -> list[Tensor]:
        """Return the last state of each window, [stock, hidden]."""
        return [self.encoder(window) for window in windows]

    def forward(self, windows: Sequence[Tensor]) -> list[Tensor]:
        """Return one output, [stock], for each window."""
        states = self.states(windows)
        return [
            head(norm(state)).squeeze(1)
            for state, norm, head in zip(states, self.norms, self.heads, strict=True)
        ]

    def loss(self, outputs: Sequence[Tensor], label: Tensor) -> Tensor:
        """Return the loss of one date."""
        gain = sum(correlation(output, label) for output in outputs)
        alike = sum(
            correlation(one, other)
            for place, one in enumerate(outputs)
            for other in outputs[place + 1 :]
        )
        return torch.as_tensor(HEAD_PENALTY * alike - gain)


class ManyEncoderGRU(MultiTaskGRU):
    """The multi-task network with several GRUs, each head reading one of them.

    With one for each frequency it is the published ablation without the shared GRU; in
    the four-task network the bars share one and the factors have their own. Heads and
    loss are the multi-task network's.
    """

    def __init__(
        self, features: Sequence[int], hidden: int, encoder_of_head: Sequence[int]
    ) -> None:
        """Make a GRU for each count of features; say which of them each head reads."""
        super().__init__(features[0], hidden, len(encoder_of_head))
        self.others = nn.ModuleList(_LastState(count, hidden) for count in features[1:])
        self.encoder_of_head = tuple(encoder_of_head)

    def states(self, windows: Sequence[Tensor]) -> list[Tensor]:
        """Return the last state of each window, [stock, hidden]."""
        encoders = (self.encoder, *self.others)
        return [
            encoders[number](window)
            for number, window in zip(self.encoder_of_head, windows, strict=True)
        ]


class LinearBaseline(nn.Module):
    """A weighted sum of all values of all windows; its weights come from a ridge."""

    def __init__(self, features: int, windows: Sequence[int]) -> None:
        super().__init__()
        self.head = nn.Linear(features * sum(windows), 1)

    def forward(self, windows: Sequence[Tensor]) -> list[Tensor]:
        """Return the output, [stock], in a list of one."""
        return [self.head(flatten(windows)).squeeze(1)]


def flatten(windows: Sequence[Tensor]) -> Tensor:
    """Return [stock, all values] of windows [window, stock, feature]."""
    return torch.cat([window.transpose(0, 1).flatten(1) for window in windows], dim=1)


Network = HighFrequencyGRU | MultiTaskGRU | LinearBaseline


def make_network(config: RunConfig) -> Network:
    """Return the network of a configuration, its weights drawn from torch's seed."""
    features = len(config.features)
    if config.network == "high_frequency_gru":
        return HighFrequencyGRU(features, config.hidden)
    if config.network == "daily_gru":
        return DailyBaselineGRU(features, config.hidden)
    heads = len(config.windows)
    if config.network == "multi_task_gru":
        return MultiTaskGRU(features, config.hidden, heads)
    if config.network == "separate_gru":
        return ManyEncoderGRU([features] * heads, config.hidden, range(heads))
    if config.network == "four_task_gru":
        # The last window is of the factors, the others are of bars.
        counts = (len(PRICE_VOLUME), len(HIGH_FREQUENCY))
        return ManyEncoderGRU(counts, config.hidden, [0] * (heads - 1) + [1])
    return LinearBaseline(features, config.windows)


def fuse(outputs: Sequence[Tensor]) -> Tensor:
    """Return the network's score: the mean of its heads, [stock]."""
    return torch.stack([output.float() for output in outputs]).mean(dim=0)
