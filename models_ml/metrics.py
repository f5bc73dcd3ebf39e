"""Measures of a score against what happened: rank IC and its t value.

Pure functions over numpy arrays of the shape [date, stock]. Add a measure here with its
formula and its rule for NaN; keep prices, panels and files out.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

MINIMUM_COUNT = 10


def average_ranks(values: Floats) -> Floats:
    """Rank each row from 1 on, equal values sharing the mean of their ranks.

    Parameters
    ----------
    values : (dates, stocks) array

    Returns
    -------
    (dates, stocks) array
        Ranks among the values of the row that are not NaN; NaN stays NaN.
    """
    values = np.asarray(values, dtype=np.float64)
    order = np.argsort(values, axis=1, kind="stable")
    ordered = np.take_along_axis(values, order, axis=1)
    position = np.arange(values.shape[1], dtype=np.float64)
    starts = np.ones(values.shape, dtype=bool)
    starts[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    ends = np.ones(values.shape, dtype=bool)
    ends[:, :-1] = starts[:, 1:]
    first = np.maximum.accumulate(np.where(starts, position, 0.0), axis=1)
    last_reversed = np.where(ends, position, np.inf)[:, ::-1]
    last = np.minimum.accumulate(last_reversed, axis=1)[:, ::-1]
    ranks = np.empty_like(values)
    np.put_along_axis(ranks, order, (first + last) / 2.0 + 1.0, axis=1)
    ranks[np.isnan(values)] = np.nan
    return ranks


def rank_ic(
    score: Floats, outcome: Floats, *, minimum_count: int = MINIMUM_COUNT
) -> Floats:
    """Return Spearman's correlation of score and outcome across stocks, per date.

    Formula: Pearson's correlation of the average ranks, both taken over the stocks
    that have a score and an outcome on the date.

    Parameters
    ----------
    score, outcome : (dates, stocks) arrays
    minimum_count : int
        Least number of stocks with both values.

    Returns
    -------
    (dates,) array
        NaN where fewer stocks than ``minimum_count`` have both, or where either is
        constant.

    Raises
    ------
    ValueError
        If the shapes differ or are not two-dimensional.
    """
    score = np.asarray(score, dtype=np.float64)
    outcome = np.asarray(outcome, dtype=np.float64)
    if score.ndim != 2 or score.shape != outcome.shape:
        raise ValueError(
            f"score and outcome must be two arrays [date, stock] of one shape, got "
            f"{score.shape} and {outcome.shape}"
        )
    if score.size == 0:
        return np.full(score.shape[0], np.nan)
    absent = np.isnan(score) | np.isnan(outcome)
    count = (~absent).sum(axis=1)
    centre = (count[:, None] + 1.0) / 2.0
    x, y = (
        np.where(absent, 0.0, average_ranks(np.where(absent, np.nan, v)) - centre)
        for v in (score, outcome)
    )
    spread = np.sqrt((x**2).sum(axis=1) * (y**2).sum(axis=1))
    is_defined = (count >= minimum_count) & (spread > 0)
    product = (x * y).sum(axis=1)
    return np.where(is_defined, product / np.where(is_defined, spread, 1.0), np.nan)


def newey_west_t(series: Floats, *, lags: int | None = None) -> float:
    """Return the t value of the mean of a series with autocorrelated values.

    Formula (Newey and West 1987): mean / sqrt(S / n), S = g(0) + 2 sum over l = 1 ... L
    of (1 - l / (L + 1)) g(l), g(l) the autocovariance over n.

    Parameters
    ----------
    series : (n,) array
        NaN values are left out before lags are counted.
    lags : int, optional
        L; without it floor(4 (n / 100)^(2/9)).

    Returns
    -------
    float
        NaN with fewer than three values or no variance.

    Raises
    ------
    ValueError
        If ``lags`` is negative.
    """
    values = np.asarray(series, dtype=np.float64)
    values = values[~np.isnan(values)]
    count = len(values)
    if lags is None:
        lags = int(4.0 * (count / 100.0) ** (2.0 / 9.0))
    if lags < 0:
        raise ValueError(f"lags must be 0 or more, got {lags}")
    if count < 3:
        return float("nan")
    rest = values - values.mean()
    long_run = float(rest @ rest) / count
    for lag in range(1, min(lags, count - 1) + 1):
        covariance = float(rest[lag:] @ rest[:-lag]) / count
        long_run += 2.0 * (1.0 - lag / (lags + 1.0)) * covariance
    # Differences of rounding, not a variance.
    if long_run <= 1e-24 * max(1.0, float(values @ values)):
        return float("nan")
    return float(values.mean() / np.sqrt(long_run / count))
