"""Panels: one tensor [date, stock, feature], its windows as views, inputs and labels.

A window is a view of the tensor, and one date's cross-section at a time is picked out
and standardised. Add an input as a class with ``stocks`` and ``batch``; keep the
database, networks and the choice of days out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from models_ml.config import (
    DAILY,
    HIGH_FREQUENCY,
    LABELS,
    PRICE_VOLUME,
    RunConfig,
)

Floats = npt.NDArray[np.float64]

# Winsorised at the median plus and minus so many median absolute deviations, as the
# warehouse's own factors are (`factor_winsor_deviations`).
WINSOR_DEVIATIONS = 5.0


class PanelError(ValueError):
    """A panel cannot be made; the message says what is missing."""


@dataclass(frozen=True)
class Panel:
    """Values by day, stock and feature.

    Attributes
    ----------
    days : tuple of date
        Trading days in order, T of them.
    codes : tuple of str
        Security codes in order, N of them.
    features : tuple of str
        Names of the F features.
    values : (T, N, F) float32 tensor
        NaN where there is none.
    """

    days: tuple[date, ...]
    codes: tuple[str, ...]
    features: tuple[str, ...]
    values: Tensor

    def column(self, name: str) -> Tensor:
        """Return a feature as a (T, N) view."""
        return self.values[:, :, self.features.index(name)]

    def columns(self, names: Sequence[str]) -> Tensor:
        """Return consecutive features as a (T, N, len(names)) view."""
        for first in range(len(self.features)):
            if self.features[first : first + len(names)] == tuple(names):
                return self.values[:, :, first : first + len(names)]
        raise PanelError(f"{', '.join(names)} do not stand together in the panel")

    def to(self, device: torch.device | str) -> Panel:
        """Return the panel with its values on a device."""
        return replace(self, values=self.values.to(device))


def windows(values: Tensor, length: int, step: int = 1) -> Tensor:
    """Return all windows of a tensor as one view, without copying a value.

    Parameters
    ----------
    values : (T, ...) tensor
    length : int
        Bars of a window.
    step : int
        Days from one bar to the next.

    Returns
    -------
    (T - (length - 1) x step, length, ...) tensor
        Window ``w`` ends on day ``w + (length - 1) x step``; none where T is too small.
    """
    count = max(values.shape[0] - (length - 1) * step, 0)
    stride = values.stride()
    return values.as_strided(
        (count, length, *values.shape[1:]), (stride[0], stride[0] * step, *stride[1:])
    )


def window(values: Tensor, day: int, length: int, step: int = 1) -> Tensor:
    """Return the window that ends on a day, a view (length, ...).

    Raises
    ------
    PanelError
        The window begins before the first day.
    """
    first = day - (length - 1) * step
    if first < 0 or day >= values.shape[0]:
        raise PanelError(
            f"a window of {length} bars of {step} days that ends on day {day} does not "
            f"lie within days 0 to {values.shape[0] - 1}"
        )
    return windows(values, length, step)[first]


def block_bars(values: Tensor, days: int) -> Tensor:
    """Return bars over the ``days`` days up to each day, (T, N, 6) like ``values``.

    Features are `PRICE_VOLUME`: first open, highest high, lowest low, last close, VWAP
    weighted by volume (the last close without volume), sum of volume. NaN on the first
    days, and where a day of the bar has none.
    """
    if days == 1:
        return values
    count = values.shape[0] - days + 1
    out = torch.full_like(values, torch.nan)
    if count <= 0:
        return out
    filled = out[days - 1 :]
    filled[:, :, 0] = values[:count, :, 0]
    filled[:, :, 1:3] = values[:count, :, 1:3]
    filled[:, :, 3] = values[days - 1 :, :, 3]
    traded = values[:count, :, 4] * values[:count, :, 5]
    volume = values[:count, :, 5].clone()
    # Added day by day, so that a stock's sums do not hang on how many others there are.
    for shift in range(1, days):
        later = values[shift : shift + count]
        filled[:, :, 1] = torch.maximum(filled[:, :, 1], later[:, :, 1])
        filled[:, :, 2] = torch.minimum(filled[:, :, 2], later[:, :, 2])
        traded += later[:, :, 4] * later[:, :, 5]
        volume += later[:, :, 5]
    filled[:, :, 4] = torch.where(volume > 0, traded / volume, filled[:, :, 3])
    filled[:, :, 5] = volume
    return out


def standardise(values: Floats) -> Floats:
    """Return z-scores of each column over its rows; NaN stays, a constant becomes NaN.

    Formula: (x - mean) / standard deviation over n.
    """
    count = (~np.isnan(values)).sum(axis=0)
    filled = np.nan_to_num(values)
    mean = filled.sum(axis=0) / np.maximum(count, 1)
    rest = values - mean
    spread = np.sqrt((np.nan_to_num(rest) ** 2).sum(axis=0) / np.maximum(count, 1))
    # Below this a spread is rounding: a constant tells nothing.
    level = np.abs(mean) * 1e-9 + 1e-30
    return np.where(spread > level, rest / np.where(spread > level, spread, 1), np.nan)


def winsorise(values: Floats) -> Floats:
    """Clip each column at its median plus and minus five median absolute deviations.

    A column of which more than half is one value is left as it is.
    """
    centre = _median(values)
    deviation = _median(np.abs(values - centre))
    width = np.where(deviation > 0, WINSOR_DEVIATIONS * deviation, np.inf)
    return np.asarray(np.clip(values, centre - width, centre + width))


def _median(values: Floats) -> Floats:
    """Return the median of each column without NaN; NaN sorts last."""
    ordered = np.sort(values, axis=0)
    count = (~np.isnan(values)).sum(axis=0)
    low = np.maximum(count - 1, 0) // 2
    high = np.minimum(count // 2, len(values) - 1)
    ends = np.take_along_axis(ordered, np.stack([low, high]), axis=0)
    return np.asarray(ends.mean(axis=0))


def neutralise(
    values: Floats, industry: npt.NDArray[np.int64], exposures: Floats
) -> Floats:
    """Return what industry dummies and exposures leave of each column.

    Parameters
    ----------
    values : (n, F) array
    industry : (n,) array of int
        0 or more; stocks of one number share a dummy.
    exposures : (n, K) array
        A stock without one of them leaves the regression and is NaN in the result.

    Returns
    -------
    (n, F) array
        Residuals; NaN where the value is. Dummies and exposures are orthogonalised one
        after the other (Frisch, Waugh and Lovell), so an exposure that is constant
        within all industries is passed over.
    """
    known = ~np.isnan(exposures).any(axis=1)
    out = np.full(values.shape, np.nan)
    for number in range(values.shape[1]):
        rows = np.flatnonzero(known & ~np.isnan(values[:, number]))
        if len(rows) == 0:
            continue
        columns = _within(
            np.column_stack([exposures[rows], values[rows, number]]), industry[rows]
        )
        for place in range(exposures.shape[1]):
            base = columns[:, place]
            length = float((base * base).sum())
            if length <= 1e-9 * len(rows):
                continue
            for other in range(place + 1, columns.shape[1]):
                slope = float((base * columns[:, other]).sum()) / length
                columns[:, other] -= slope * base
        out[rows, number] = columns[:, -1]
    return out


def _within(columns: Floats, group: npt.NDArray[np.int64]) -> Floats:
    """Return columns less their mean of the group."""
    count = np.maximum(np.bincount(group), 1)
    means = [np.bincount(group, weights=column) / count for column in columns.T]
    return np.column_stack(
        [column - mean[group] for column, mean in zip(columns.T, means, strict=True)]
    )


class Inputs(Protocol):
    """What a network sees of one day."""

    def stocks(self, day: int) -> Tensor:
        """Return the positions of the stocks that can be scored on a day, (n,)."""
        ...

    def batch(self, day: int, stocks: Tensor) -> list[Tensor]:
        """Return a standardised tensor [window, n, feature] for each frequency."""
        ...


@dataclass(frozen=True)
class _Universe:
    """Stocks of a day: eligible, and observed on enough days of the window."""

    eligible: Tensor
    observed_before: Tensor
    length: int
    minimum: int

    def stocks(self, day: int) -> Tensor:
        """Return the positions of the stocks, in the order of their codes."""
        first = day - self.length
        before = self.observed_before[first] if first >= 0 else 0
        observed = self.observed_before[day] - before
        return torch.nonzero(self.eligible[day] & (observed >= self.minimum)).squeeze(1)


def _universe(panel: Panel, observed: Tensor, length: int, share: float) -> _Universe:
    eligible = panel.column("is_eligible") == 1.0
    total = observed.to(torch.int32).cumsum(dim=0, dtype=torch.int32)
    return _Universe(eligible, total, length, max(1, round(share * length)))


class LowFrequencyInputs:
    """Bars of days, weeks and months, each series divided by its last value.

    A week is five exchange days up to the sample's day and a month is twenty, so that
    every bar is whole on every day. Then z-scores across the stocks of the day, clipped
    at ``clip_deviations``; what is missing is 0.
    """

    def __init__(self, panel: Panel, config: RunConfig) -> None:
        values = panel.columns(PRICE_VOLUME)
        self._config = config
        self._bars = [block_bars(values, step) for step in config.steps]
        self._universe = _universe(
            panel,
            torch.isfinite(panel.column("close")),
            config.windows[0] * config.steps[0],
            config.minimum_share,
        )
        # Means and spreads of a day by frequency: a few numbers, taken once.
        self._scales: dict[int, list[tuple[Tensor, Tensor]]] = {}

    def stocks(self, day: int) -> Tensor:
        """Return the positions of the stocks that can be scored on a day, (n,)."""
        return self._universe.stocks(day)

    def batch(self, day: int, stocks: Tensor) -> list[Tensor]:
        """Return [window, n, 6] for each frequency.

        Notes
        -----
        Mean and spread are those of the day's own stocks, `stocks(day)`, whichever of
        them are asked for.
        """
        if day not in self._scales:
            self._scales[day] = [
                _moments(self._ratio(number, day, self.stocks(day)))
                for number in range(len(self._bars))
            ]
        clip = self._config.clip_deviations
        return [
            self._ratio(number, day, stocks)
            .sub_(mean)
            .mul_(scale)
            .clamp_(-clip, clip)
            .nan_to_num_(0.0)
            for number, (mean, scale) in enumerate(self._scales[day])
        ]

    def _ratio(self, number: int, day: int, stocks: Tensor) -> Tensor:
        view = window(
            self._bars[number],
            day,
            self._config.windows[number],
            self._config.steps[number],
        )
        values = view.index_select(1, stocks)
        last = values[-1]
        return values.div_(torch.where(last > 0, last, torch.nan))


def _moments(values: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and 1 / standard deviation over stocks, each (window, 1, feature).

    NaN is left out; where nothing varies the scale is 0, so that the z-score is 0.
    """
    present = torch.isfinite(values)
    count = present.sum(dim=1, keepdim=True).clamp_min(1)
    filled = torch.where(present, values, 0.0).double()
    mean = filled.sum(dim=1, keepdim=True) / count
    rest = torch.where(present, filled - mean, 0.0)
    spread = (rest.square().sum(dim=1, keepdim=True) / count).sqrt()
    scale = torch.where(spread > 1e-6, 1.0 / spread.clamp_min(1e-6), 0.0)
    return mean.float(), scale.float()


class DailyInputs:
    """CP's daily baseline: 240 days x 7 fields, z-scores over the own 240 values."""

    def __init__(self, panel: Panel, config: RunConfig) -> None:
        self._values = panel.columns(DAILY)
        self._config = config
        self._universe = _universe(
            panel,
            torch.isfinite(panel.column("close")),
            config.windows[0],
            config.minimum_share,
        )

    def stocks(self, day: int) -> Tensor:
        """Return the positions of the stocks that can be scored on a day, (n,)."""
        return self._universe.stocks(day)

    def batch(self, day: int, stocks: Tensor) -> list[Tensor]:
        """Return [240, n, 7] in a list of one; 0 where a field is missing or constant.

        Steps between the bars are the configuration's, of every such day one.
        """
        config = self._config
        view = window(self._values, day, config.windows[0], config.steps[0])
        values = view.index_select(1, stocks)
        present = torch.isfinite(values)
        count = present.sum(dim=0).clamp_min(1)
        mean = torch.where(present, values, 0.0).sum(dim=0) / count
        rest = torch.where(present, values - mean, 0.0)
        spread = (rest.square().sum(dim=0) / count).sqrt()
        scale = torch.where(spread > 1e-6 * mean.abs(), 1.0 / spread, 0.0)
        clip = config.clip_deviations
        return [rest.mul_(scale).clamp_(-clip, clip).nan_to_num_(0.0)]


def prepare_high_frequency(panel: Panel) -> Panel:
    """Return a panel whose 27 factors are what the network sees.

    Each day over the day's eligible stocks: winsorised, neutral to industry and size,
    z-scored; what is missing is 0. The feature ``observed`` tells whether a stock had
    any of them. Done once a panel, so that windows of all models are views of it.
    """
    factors = panel.columns(HIGH_FREQUENCY)
    observed = torch.isfinite(factors).any(dim=2)
    members = observed & (panel.column("is_eligible") == 1.0)
    industry, size = panel.column("industry"), panel.column("log_market_cap")
    first = panel.features.index(HIGH_FREQUENCY[0])
    # The result's own tensor is filled: beside the panel there is no third one.
    result = panel.values.new_zeros((*observed.shape, first + 1 + len(HIGH_FREQUENCY)))
    result[:, :, :first] = panel.values[:, :, :first]
    result[:, :, first] = observed
    for day in range(len(panel.days)):
        rows = torch.nonzero(members[day]).squeeze(1)
        if len(rows) == 0:
            continue
        clean = neutralise(
            winsorise(factors[day, rows].double().numpy()),
            _groups(industry[day, rows]),
            size[day, rows].double().numpy()[:, None],
        )
        scores = np.nan_to_num(standardise(clean)).astype(np.float32)
        result[day, rows, first + 1 :] = torch.from_numpy(scores)
    return replace(
        panel,
        features=(*panel.features[:first], "observed", *HIGH_FREQUENCY),
        values=result,
    )


def _groups(industry: Tensor) -> npt.NDArray[np.int64]:
    """Return the number of each stock's industry; 0 for those without one."""
    numbers = industry.cpu().double().numpy()
    return np.where(np.isnan(numbers), 0, numbers + 1).astype(np.int64)


class HighFrequencyInputs:
    """The 27 factors of each day as `prepare_high_frequency` left them."""

    def __init__(self, panel: Panel, config: RunConfig) -> None:
        self._values = panel.columns(HIGH_FREQUENCY)
        self._length = config.windows[0]
        observed = panel.column("observed") == 1.0
        self._universe = _universe(panel, observed, self._length, config.minimum_share)

    def stocks(self, day: int) -> Tensor:
        """Return the positions of the stocks that can be scored on a day, (n,)."""
        return self._universe.stocks(day)

    def batch(self, day: int, stocks: Tensor) -> list[Tensor]:
        """Return [window, n, 27] in a list of one."""
        return [window(self._values, day, self._length).index_select(1, stocks)]


class AllFrequencyInputs:
    """Bars of days, weeks and months, and the 27 factors as the last window."""

    def __init__(self, panel: Panel, config: RunConfig) -> None:
        bars, factors = slice(None, -1), slice(-1, None)
        self._parts: tuple[LowFrequencyInputs, HighFrequencyInputs] = (
            LowFrequencyInputs(panel, _part_of(config, bars)),
            HighFrequencyInputs(panel, _part_of(config, factors)),
        )

    def stocks(self, day: int) -> Tensor:
        """Return the positions of the stocks that both parts can score, (n,)."""
        low, high = (part.stocks(day) for part in self._parts)
        return low[torch.isin(low, high)]

    def batch(self, day: int, stocks: Tensor) -> list[Tensor]:
        """Return [window, n, 6] for each frequency, then [window, n, 27]."""
        return [batch for part in self._parts for batch in part.batch(day, stocks)]


def _part_of(config: RunConfig, part: slice) -> RunConfig:
    return replace(config, windows=config.windows[part], steps=config.steps[part])


class Labels:
    """Forward returns as z-scores across a day's stocks.

    The only part of the package that looks past a sample's day, and never past the
    panel: where the price is not there, the label is NaN.
    """

    def __init__(
        self, panel: Panel, config: RunConfig, styles: dict[date, Floats] | None = None
    ) -> None:
        self.label = LABELS[config.label]
        price = self.label.price or config.label_price
        self._price = panel.column(price)
        self._panel = panel
        self._styles = styles or {}
        self._weeks = sorted(self._styles)
        self._kept: dict[int, Tensor] = {}

    @property
    def horizon(self) -> int:
        """Days from a sample's own to the last price that its label knows."""
        return self.label.end

    def values(self, day: int, stocks: Tensor) -> Tensor:
        """Return the labels of stocks on a day, (n,), NaN where unknown.

        Parameters
        ----------
        stocks : (n,) tensor
            All stocks of the day: the z-score is over them.
        """
        if day not in self._kept:
            self._kept[day] = self._compute(day, stocks)
        return self._kept[day]

    def raw(self, day: int, stocks: Tensor) -> Floats:
        """Return the forward returns themselves, (n,), NaN where unknown."""
        if day + self.label.end >= self._price.shape[0]:
            return np.full(len(stocks), np.nan)
        later = self._price[day + self.label.end, stocks].double()
        start = self._price[day + self.label.start, stocks].double()
        return np.asarray((later / start - 1.0).cpu().numpy())

    def _compute(self, day: int, stocks: Tensor) -> Tensor:
        value = self.raw(day, stocks)[:, None]
        if self.label.is_neutral:
            groups = _groups(self._panel.column("industry")[day, stocks])
            value = neutralise(value, groups, self._exposures(day, stocks))
        score = standardise(winsorise(value))[:, 0]
        return torch.from_numpy(score.astype(np.float32)).to(self._price.device)

    def _exposures(self, day: int, stocks: Tensor) -> Floats:
        """Return z-scored styles of the last week known on the day, missing ones 0."""
        known = [week for week in self._weeks if week <= self._panel.days[day]]
        if not known:
            return np.zeros((len(stocks), 0))
        styles = self._styles[known[-1]][stocks.cpu().numpy()]
        return np.nan_to_num(standardise(winsorise(styles)))


def make_inputs(panel: Panel, config: RunConfig) -> Inputs:
    """Return the inputs of a configuration over a panel."""
    if config.inputs == "high_frequency":
        return HighFrequencyInputs(panel, config)
    if config.inputs == "daily":
        return DailyInputs(panel, config)
    if config.inputs == "all_frequency":
        return AllFrequencyInputs(panel, config)
    return LowFrequencyInputs(panel, config)
