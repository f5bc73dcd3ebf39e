"""Index enhancement: bounds kept, another solver's optimum, what is given up."""

from __future__ import annotations

from dataclasses import replace
from functools import partialmethod

import cvxpy as cp
import numpy as np
import pytest
from scipy.optimize import linprog

from models_ml.enhancement import Bounds, Outcome, SolverError, enhance

COUNT = 240
# The shapes of the two published sets, whose numbers stand in seeds/enhancement.csv.
HUATAI = Bounds(0.8, 0.008, 0.02, 0.2, 0.3)
CHINA_POST = Bounds(0.0, 0.01, 0.01, 0.1, 1.0)
TOLERANCE = 1e-5


def make_market(seed: int) -> dict[str, np.ndarray]:
    """Make an index of half of the stocks, with missing scores and styles."""
    rng = np.random.default_rng(seed)
    weight = rng.random(COUNT) * (np.arange(COUNT) % 2)
    score = rng.normal(size=COUNT)
    score[rng.random(COUNT) < 0.05] = np.nan
    styles = rng.normal(size=(COUNT, 2))
    styles[rng.random((COUNT, 2)) < 0.02] = np.nan
    return {
        "score": score,
        "index_weight": weight,
        "industry": rng.integers(-1, 12, COUNT),
        "styles": styles,
        "is_tradable": np.ones(COUNT, dtype=bool),
    }


def assert_kept(
    market: dict[str, np.ndarray],
    weights: np.ndarray,
    bounds: Bounds,
    previous: np.ndarray | None,
) -> None:
    benchmark = market["index_weight"] / market["index_weight"].sum()
    strayed = weights - benchmark
    free = market["is_tradable"]
    assert weights.sum() == pytest.approx(1)
    assert weights.min() >= 0
    assert np.abs(strayed[free]).max() <= bounds.stock_deviation + TOLERANCE
    assert weights[benchmark > 0].sum() >= bounds.minimum_member_share - TOLERANCE
    for number in range(12):
        gap = strayed[market["industry"] == number].sum()
        assert abs(gap) <= bounds.industry_deviation + TOLERANCE
    gaps = np.nan_to_num(market["styles"]).T @ strayed
    assert np.abs(gaps).max() <= bounds.style_deviation + TOLERANCE
    if previous is not None:
        turnover = np.abs(weights - previous).sum()
        assert turnover <= bounds.two_way_turnover + TOLERANCE


def linprog_optimum(
    market: dict[str, np.ndarray],
    bounds: Bounds,
    previous: np.ndarray,
    objective: np.ndarray | None = None,
) -> float:
    """Solve the same programme by scipy: weights, then the sizes of their changes.

    The largest value of the objective over both, without one of the score.
    """
    if objective is None:
        objective = np.concatenate([np.nan_to_num(market["score"]), np.zeros(COUNT)])
    benchmark = market["index_weight"] / market["index_weight"].sum()
    eye, zero = np.eye(COUNT), np.zeros((COUNT, COUNT))
    numbers = np.unique(market["industry"][market["industry"] >= 0])
    rows = [(market["industry"] == number).astype(float) for number in numbers]
    limits = [bounds.industry_deviation] * len(rows)
    rows += list(np.nan_to_num(market["styles"]).T)
    limits += [bounds.style_deviation] * 2
    groups, limit = np.array(rows), np.array(limits)
    wide = np.hstack([groups, np.zeros_like(groups)])
    change = np.concatenate([np.zeros(COUNT), np.ones(COUNT)])
    member = np.concatenate([(benchmark > 0).astype(float), np.zeros(COUNT)])
    inside = groups @ benchmark
    done = linprog(
        -objective,
        A_ub=np.vstack(
            [wide, -wide, -member, np.hstack([eye, -eye]), np.hstack([-eye, -eye]),
             change]
        ),
        b_ub=np.concatenate(
            [inside + limit, limit - inside, [-bounds.minimum_member_share],
             previous, -previous, [bounds.two_way_turnover]]
        ),
        A_eq=np.hstack([np.ones((1, COUNT)), zero[:1]]),
        b_eq=[1.0],
        bounds=[
            (max(b - bounds.stock_deviation, 0), b + bounds.stock_deviation)
            for b in benchmark
        ] + [(0, None)] * COUNT,
    )  # fmt: skip
    assert done.success
    return float(-done.fun)


@pytest.mark.parametrize("bounds", [HUATAI, replace(HUATAI, two_way_turnover=0.5)])
@pytest.mark.parametrize("seed", [1, 2])
def test_bounds_hold_and_the_score_is_the_highest(seed: int, bounds: Bounds) -> None:
    market = make_market(seed)
    first = enhance(**market, previous=None, bounds=bounds)
    assert first.outcome is Outcome.KEPT
    assert_kept(market, first.weights, bounds, None)
    later = make_market(seed) | {"score": make_market(seed + 50)["score"]}
    second = enhance(**later, previous=first.weights, bounds=bounds)
    assert second.outcome is Outcome.KEPT
    assert second.reason is None
    assert_kept(later, second.weights, bounds, first.weights)
    reached = float(np.nan_to_num(later["score"]) @ second.weights)
    best = linprog_optimum(later, bounds, first.weights)
    assert reached == pytest.approx(best, abs=1e-4)
    # More turnover, never a lower score; and the index itself is far below.
    assert reached > np.nan_to_num(later["score"]) @ first.weights


def test_three_stocks_by_hand() -> None:
    """Half, half and nothing: a tenth moves from the worst to the best within reach."""
    bounds = Bounds(0.95, 0.1, 1.0, 10.0, 2.0)
    portfolio = enhance(
        score=np.array([1.0, 0.0, 3.0]),
        index_weight=np.array([2.0, 2.0, 0.0]),
        industry=np.array([-1, -1, -1]),
        styles=np.zeros((3, 1)),
        is_tradable=np.ones(3, dtype=bool),
        previous=None,
        bounds=bounds,
    )
    # 0.05 outside the index at most, the other 0.05 to the first.
    np.testing.assert_allclose(portfolio.weights, [0.55, 0.4, 0.05], atol=1e-9)


def test_what_cannot_be_traded_keeps_its_weight() -> None:
    market = make_market(3)
    first = enhance(**market, previous=None, bounds=HUATAI)
    held = np.flatnonzero(first.weights > 0.009)[:2]
    market["is_tradable"][held] = False
    market["score"][held] = -5.0
    second = enhance(**market, previous=first.weights, bounds=HUATAI)
    np.testing.assert_allclose(second.weights[held], first.weights[held], atol=1e-6)
    assert_kept(market, second.weights, HUATAI, first.weights)


def test_a_turnover_that_does_not_suffice_is_exceeded_as_little_as_can_be() -> None:
    market = make_market(4)
    far = np.zeros(COUNT)
    far[:10] = 0.1
    portfolio = enhance(**market, previous=far, bounds=HUATAI)
    assert portfolio.outcome is Outcome.TURNOVER_EXCEEDED
    assert portfolio.reason is not None
    assert_kept(market, portfolio.weights, HUATAI, None)
    free = replace(HUATAI, two_way_turnover=2.0)
    change = np.concatenate([np.zeros(COUNT), np.ones(COUNT)])
    least = -linprog_optimum(market, free, far, -change)
    assert np.abs(portfolio.weights - far).sum() == pytest.approx(least, abs=TOLERANCE)
    assert portfolio.reason.startswith(f"turnover {least:.4f} beyond 0.3")
    # Of the many portfolios with the least turnover, the one with the best score.
    best = linprog_optimum(market, replace(free, two_way_turnover=least + 1e-6), far)
    reached = float(np.nan_to_num(market["score"]) @ portfolio.weights)
    assert reached == pytest.approx(best, abs=TOLERANCE)


def test_bounds_that_contradict_each_other_trade_nothing() -> None:
    market = make_market(5)
    impossible = replace(HUATAI, minimum_member_share=1.5)
    previous = np.full(COUNT, 1 / COUNT)
    kept = enhance(**market, previous=previous, bounds=impossible)
    assert kept.outcome is Outcome.NO_TRADE
    np.testing.assert_array_equal(kept.weights, previous)
    first = enhance(**market, previous=None, bounds=impossible)
    benchmark = market["index_weight"] / market["index_weight"].sum()
    np.testing.assert_array_equal(first.weights, benchmark)


def test_published_variants_differ() -> None:
    market = make_market(6)
    huatai = enhance(**market, previous=None, bounds=HUATAI)
    china_post = enhance(**market, previous=None, bounds=CHINA_POST)
    assert_kept(market, huatai.weights, HUATAI, None)
    assert_kept(market, china_post.weights, CHINA_POST, None)
    assert np.abs(huatai.weights - china_post.weights).sum() > 0.1


def test_an_index_without_weights_is_an_error() -> None:
    market = make_market(7) | {"index_weight": np.zeros(COUNT)}
    with pytest.raises(ValueError, match="load index_weight"):
        enhance(**market, previous=None, bounds=HUATAI)


@pytest.mark.parametrize("bounds", [HUATAI, replace(HUATAI, minimum_member_share=1.5)])
def test_a_solver_that_stops_early_is_no_contradiction(
    monkeypatch: pytest.MonkeyPatch, bounds: Bounds
) -> None:
    stopped = partialmethod(cp.Problem.solve, time_limit=0.0)
    monkeypatch.setattr(cp.Problem, "solve", stopped)
    with pytest.raises(SolverError, match=r"the solver ended with \w+, neither"):
        enhance(**make_market(8), previous=None, bounds=bounds)
