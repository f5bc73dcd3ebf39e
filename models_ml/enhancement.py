"""Weights of an index enhancement: the highest mean score within bounds on an index.

A linear programme, solved by a solver that comes with cvxpy. Add a bound here with its
unit; keep prices, trading and cost out, they are the strategy engine's.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import cvxpy as cp
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]

# Weights below this are rounding of the solver.
SMALLEST_WEIGHT = 1e-6
# What the least turnover may be passed by: the solver meets its rows to about 1e-7.
TURNOVER_SLACK = 1e-6
CONTRADICTION = "the bounds contradict each other"
# Every variable is bounded, so what is infeasible or unbounded is infeasible.
INFEASIBLE = {cp.INFEASIBLE, cp.settings.INFEASIBLE_OR_UNBOUNDED}


class SolverError(RuntimeError):
    """The solver ended with neither an optimum nor a contradiction."""


@dataclass(frozen=True)
class Bounds:
    """How far a portfolio may stray from its index, as decimals of the portfolio.

    Attributes
    ----------
    minimum_member_share : float
        Least weight in members of the index.
    stock_deviation : float
        Largest distance of a stock from its index weight.
    industry_deviation : float
        Largest distance of an industry from its weight in the index.
    style_deviation : float
        Largest distance of a style exposure from the index's, in the styles' units.
    two_way_turnover : float
        Largest sum of the weight changes of one rebalance.
    """

    minimum_member_share: float
    stock_deviation: float
    industry_deviation: float
    style_deviation: float
    two_way_turnover: float


class Outcome(StrEnum):
    """What became of the bounds."""

    KEPT = "kept"
    TURNOVER_EXCEEDED = "turnover_exceeded"
    NO_TRADE = "no_trade"


@dataclass(frozen=True)
class Portfolio:
    """Weights that sum to one, and which bounds they keep.

    ``reason`` says what was given up; None where every bound is kept.
    """

    weights: Floats
    outcome: Outcome
    reason: str | None


def enhance(
    *,
    score: Floats,
    index_weight: Floats,
    industry: Integers,
    styles: Floats,
    is_tradable: Booleans,
    previous: Floats | None,
    bounds: Bounds,
) -> Portfolio:
    """Return the weights with the highest mean score within the bounds.

    Parameters
    ----------
    score : (n,) array
        Standard scores; NaN counts as the mean, zero.
    index_weight : (n,) array
        Weights in the index, zero for stocks outside; scaled to sum to one.
    industry : (n,) array
        Number of each stock's industry; negative ones are not bounded.
    styles : (n, k) array
        Exposures; NaN counts as zero, the mean of a standardised style.
    is_tradable : (n,) array
        What is not tradable keeps its previous weight.
    previous : (n,) array or None
        Weights before the trade; None for the first portfolio, whose turnover is not
        bounded.
    bounds : Bounds
        The bounds.

    Returns
    -------
    Portfolio
        Where the turnover does not suffice for the other bounds, the highest score at
        the least turnover that does (``turnover_exceeded``). Where the other bounds
        contradict each other, the previous weights, or those of the index
        (``no_trade``).

    Raises
    ------
    ValueError
        No index weight is positive, or the arrays differ in length.
    SolverError
        The solver ended with neither an optimum nor a contradiction.
    """
    count = len(score)
    lengths = {len(index_weight), len(industry), len(styles), len(is_tradable)}
    if lengths != {count} or (previous is not None and len(previous) != count):
        raise ValueError(f"all arrays must have the length of the scores, {count}")
    total = float(index_weight.sum())
    if total <= 0:
        raise ValueError("the index has no weights: load index_weight")
    benchmark = index_weight / total
    before = np.zeros(count) if previous is None else previous
    # What cannot be sold may have drifted further from the index than is allowed.
    lowest = np.where(is_tradable, benchmark - bounds.stock_deviation, before).clip(0)
    highest = np.where(is_tradable, benchmark + bounds.stock_deviation, before)
    # Bought and sold parts, so that the programme has few rows: what bounds a stock
    # alone bounds its variables.
    buy = cp.Variable(
        count, bounds=[(lowest - before).clip(0), (highest - before).clip(0)]
    )
    sell = cp.Variable(
        count, bounds=[(before - highest).clip(0), (before - lowest).clip(0)]
    )
    weight = before + buy - sell
    turnover = cp.sum(buy + sell)
    numbers = np.unique(industry[industry >= 0])
    belongs = (industry[None, :] == numbers[:, None]).astype(float)
    exposures = np.vstack([belongs, np.nan_to_num(styles).T])
    deviations = np.repeat(
        [bounds.industry_deviation, bounds.style_deviation],
        [len(numbers), styles.shape[1]],
    )
    strayed = exposures @ (buy - sell) + exposures @ (before - benchmark)
    constraints = [
        cp.sum(weight) == 1,
        cp.sum(weight[benchmark > 0]) >= bounds.minimum_member_share,
        strayed <= deviations,
        strayed >= -deviations,
    ]
    best = cp.Maximize(np.nan_to_num(score) @ weight)
    if previous is None:
        if _solve(best, constraints):
            return Portfolio(_clean(weight), Outcome.KEPT, None)
        return Portfolio(benchmark, Outcome.NO_TRADE, CONTRADICTION)
    if _solve(best, [*constraints, turnover <= bounds.two_way_turnover]):
        return Portfolio(_clean(weight), Outcome.KEPT, None)
    if not _solve(cp.Minimize(turnover), constraints):
        return Portfolio(before, Outcome.NO_TRADE, CONTRADICTION)
    # Many portfolios have the least turnover, and the solver gives any of them.
    least = float(turnover.value)
    if not _solve(best, [*constraints, turnover <= least + TURNOVER_SLACK]):
        raise SolverError(f"the solver does not reach its own least turnover, {least}")
    return Portfolio(
        _clean(weight),
        Outcome.TURNOVER_EXCEEDED,
        f"turnover {least:.4f} beyond {bounds.two_way_turnover}: other bounds need it",
    )


def _solve(
    objective: cp.Minimize | cp.Maximize, constraints: list[cp.Constraint]
) -> bool:
    """Return whether the programme has a solution, which its variables then hold."""
    problem = cp.Problem(objective, constraints)
    try:
        problem.solve(solver=cp.HIGHS)
        status = problem.status
    except cp.SolverError as error:
        status = str(error)
    if status not in {cp.OPTIMAL, *INFEASIBLE}:
        raise SolverError(
            f"the solver ended with {status}, neither an optimum nor a contradiction: "
            "look for values out of range in intermediate.int_enhancement_input"
        )
    return bool(status == cp.OPTIMAL)


def _clean(weight: cp.Expression) -> Floats:
    """Return the solution without the rounding of the solver, summing to one."""
    value = np.asarray(weight.value, dtype=np.float64)
    kept = np.where(value < SMALLEST_WEIGHT, 0.0, value)
    return np.asarray(kept / kept.sum(), dtype=np.float64)
