"""Rank IC and its t value against hand-computed panels and scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from models_ml.metrics import average_ranks, newey_west_t, rank_ic

NAN = float("nan")


@pytest.mark.parametrize(
    ("score", "outcome", "expected"),
    [
        pytest.param([1, 2, 3, 4], [10, 20, 30, 40], 1.0, id="same order"),
        pytest.param([1, 2, 3, 4], [9, 8, 7, 1], -1.0, id="reversed"),
        # Ranks 1 2 3 4 against 2 4 1 3: sum of squared differences 10, 1 - 6*10/60.
        pytest.param([1, 2, 3, 4], [2, 4, 1, 3], 0.0, id="unrelated"),
        # Ranks 1.5 1.5 3 4 against 1 2 3 4: 4.5 / sqrt(4.5 * 5).
        pytest.param([5, 5, 6, 7], [1, 2, 3, 4], 4.5 / 22.5**0.5, id="tie"),
        # The pair with a missing value leaves both rankings.
        pytest.param([1, NAN, 2, 3, 4], [1, 99, 2, 3, 4], 1.0, id="missing score"),
        pytest.param([1, 99, 2, 3, 4], [4, NAN, 3, 2, 1], -1.0, id="missing outcome"),
    ],
)
def test_rank_ic_of_four_stocks(score, outcome, expected):
    result = rank_ic(np.array([score]), np.array([outcome]), minimum_count=4)
    assert result == pytest.approx([expected], abs=1e-12)


def test_rank_ic_is_nan_below_the_minimum_and_for_constants():
    score = np.array([[1.0, 2.0, NAN], [1.0, 1.0, 1.0], [1.0, 2.0, 3.0]])
    outcome = np.array([[1.0, 2.0, 3.0], [1.0, 2.0, 3.0], [3.0, 2.0, 1.0]])
    result = rank_ic(score, outcome, minimum_count=3)
    assert np.isnan(result[:2]).all()
    assert result[2] == pytest.approx(-1.0)


def test_rank_ic_equals_scipy_on_a_panel_with_ties_and_gaps():
    rng = np.random.default_rng(3)
    score = np.round(rng.standard_normal((40, 60)), 1)
    outcome = np.round(score * 0.2 + rng.standard_normal((40, 60)), 1)
    score[rng.random(score.shape) < 0.1] = np.nan
    outcome[rng.random(score.shape) < 0.1] = np.nan
    expected = []
    for x, y in zip(score, outcome, strict=True):
        both = ~np.isnan(x) & ~np.isnan(y)
        expected.append(stats.spearmanr(x[both], y[both]).statistic)
    assert np.allclose(rank_ic(score, outcome), expected, atol=1e-12)


def test_average_ranks_equal_scipy():
    values = np.array([[3.0, 1.0, 3.0, NAN, 2.0], [NAN] * 5, [7.0] * 5])
    result = average_ranks(values)
    assert result[0].tolist()[:3] == [3.5, 1.0, 3.5]
    assert np.isnan(result[0, 3])
    assert np.isnan(result[1]).all()
    assert result[2] == pytest.approx(stats.rankdata(values[2]))


def test_rank_ic_of_nothing_is_empty_or_nan():
    assert rank_ic(np.zeros((0, 5)), np.zeros((0, 5))).shape == (0,)
    assert np.isnan(rank_ic(np.zeros((2, 0)), np.zeros((2, 0)))).all()


def test_rank_ic_refuses_arrays_of_two_shapes():
    with pytest.raises(ValueError, match=r"\(2, 3\) and \(3, 2\)"):
        rank_ic(np.zeros((2, 3)), np.zeros((3, 2)))


def test_newey_west_without_lags_is_the_usual_t_over_n():
    # Mean 2, variance over n 2/3, n 3: 2 / sqrt(2 / 9).
    assert newey_west_t(np.array([1.0, 2.0, 3.0]), lags=0) == pytest.approx(18**0.5)


def test_newey_west_with_one_lag_by_hand():
    # Values 1 3 2 6, mean 3, rests -2 0 -1 3: g0 = 14/4, g1 = (0 + 0 - 3)/4,
    # S = 3.5 + 2 * 0.5 * (-0.75) = 2.75, t = 3 / sqrt(2.75 / 4).
    expected = 3.0 / (2.75 / 4.0) ** 0.5
    series = np.array([1.0, NAN, 3.0, 2.0, 6.0])
    assert newey_west_t(series, lags=1) == pytest.approx(expected)


def test_newey_west_widens_for_a_persistent_series():
    rng = np.random.default_rng(5)
    noise = rng.standard_normal(2000)
    persistent = np.convolve(noise, np.ones(5) / 5, mode="valid") + 0.05
    assert abs(newey_west_t(persistent)) < abs(newey_west_t(persistent, lags=0)) * 0.7


@pytest.mark.parametrize(
    "series", [[], [1.0, 2.0], [0.1, 0.1, 0.1, 0.1]], ids=["none", "two", "constant"]
)
def test_newey_west_is_nan_where_nothing_varies(series):
    assert np.isnan(newey_west_t(np.array(series)))


def test_newey_west_refuses_negative_lags():
    with pytest.raises(ValueError, match="got -1"):
        newey_west_t(np.ones(5), lags=-1)
