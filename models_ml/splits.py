"""Walk-forward: which period a checkpoint scores, and on which days it is trained.

Pure functions over trading days. Add a schedule to ``period_start``; keep prices and
tensors out.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from models_ml.config import RunConfig


class SplitError(ValueError):
    """A period cannot be trained; the message says what is missing."""


@dataclass(frozen=True)
class Period:
    """Days that one checkpoint scores: ``first`` up to, but without, ``end``."""

    first: date
    end: date

    def __contains__(self, day: date) -> bool:
        """Whether the day is scored by the period's checkpoint."""
        return self.first <= day < self.end


@dataclass(frozen=True)
class Split:
    """Positions in a list of trading days.

    Attributes
    ----------
    train, valid : tuple of int
        Days of the samples, in time order.
    first_scored, max_label_end : date
        First scored day, and the last day whose price a label of train or valid knows.
    """

    train: tuple[int, ...]
    valid: tuple[int, ...]
    first_scored: date
    max_label_end: date

    def within(self, offset: int) -> Split:
        """Return the same days as positions in a list without its first ``offset``."""
        return replace(
            self,
            train=tuple(day - offset for day in self.train),
            valid=tuple(day - offset for day in self.valid),
        )


def period_of(day: date, schedule: str) -> Period:
    """Return the period of a schedule that holds a day.

    Periods are calendar months, half-years and years, so that they do not hang on what
    is loaded.
    """
    if schedule == "monthly":
        first = day.replace(day=1)
        end = (first + timedelta(days=32)).replace(day=1)
    elif schedule == "half_yearly":
        first = date(day.year, 1 if day.month < 7 else 7, 1)
        end = date(day.year, 7, 1) if day.month < 7 else date(day.year + 1, 1, 1)
    else:
        first, end = date(day.year, 1, 1), date(day.year + 1, 1, 1)
    return Period(first, end)


def periods_of(days: Sequence[date], config: RunConfig) -> list[Period]:
    """Return the periods that hold the days to score, in time order."""
    first = date.fromisoformat(config.first_scored)
    return sorted(
        {period_of(day, config.schedule) for day in days if day >= first},
        key=lambda period: period.first,
    )


def split_days(
    days: Sequence[date],
    period: Period,
    config: RunConfig,
    *,
    horizon: int,
    first_input: int = 0,
) -> Split:
    """Divide the days before a period into train and valid, in time order.

    A sample every ``sample_step`` days, counted back from the last day whose label is
    known before the period. The newest ``valid_share`` of them is valid; between train
    and valid, and between valid and the period, lies at least the label's horizon, so
    that no label of one reaches into the other.

    Parameters
    ----------
    days : sequence of date
        Trading days in order, without gaps.
    horizon : int
        Trading days from a sample's day to the last price of its label.
    first_input : int
        Position of the first day that has inputs.

    Raises
    ------
    SplitError
        Too few days lie before the period.
    """
    first = bisect_left(days, period.first)
    # The label of day t knows the close of t + horizon, which must be before `first`.
    last = first - 1 - horizon
    oldest = max(first - config.train_days, config.lookback_days, first_input)
    samples = list(range(last, oldest - 1, -config.sample_step))[::-1]
    valid_count = max(1, round(len(samples) * config.valid_share))
    valid = samples[-valid_count:] if samples else []
    train = [day for day in samples if valid and day + horizon < valid[0]]
    if len(train) + len(valid) < config.minimum_samples or not train:
        raise SplitError(
            f"history too short: {len(train) + len(valid)} sample days before "
            f"{period.first}, {config.minimum_samples} are needed"
        )
    first_scored = days[first] if first < len(days) else period.first
    max_label_end = days[valid[-1] + horizon]
    if not max_label_end < first_scored:
        raise SplitError(
            f"the labels reach {max_label_end}, not before {first_scored}: embargo "
            f"{horizon} days"
        )
    return Split(tuple(train), tuple(valid), first_scored, max_label_end)
