"""Index enhancements between the legs of dbt: the portfolios that are due, made once.

The solver is loaded only when a portfolio is due. Add what decides how a portfolio
follows the one before it here; keep the programme in ``models_ml.enhancement``, its
inputs in dbt and the questions in ``warehouse.portfolio_runs``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, fields
from datetime import date, datetime
from functools import lru_cache, partial
from importlib.metadata import version
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

import duckdb
import numpy as np
import pandas as pd

from dagster_defs.models import ModelError, Tell
from warehouse.model_runs import CLOSE
from warehouse.portfolio_runs import (
    Due,
    due_portfolios,
    read_bounds,
    read_growth,
    read_newest,
    read_stocks,
)
from warehouse.settings import Settings
from warehouse.store import connect_build, create_raw_tables
from warehouse.text_runs import load_rows

if TYPE_CHECKING:
    from models_ml.enhancement import Bounds, Portfolio

# What int_enhancement_input tells of a stock beside its styles.
NO_STYLES = {"index_weight", "score", "industry", "is_tradable"}
# Signals whose inputs are kept, some 0.7 MB each of the whole market.
MOST_KEPT = 400


class Read(NamedTuple):
    """How `read_stocks` and `read_growth` are asked."""

    stocks: Callable[[date, str, str], pd.DataFrame]
    growth: Callable[[date, date], pd.Series]


def make_portfolios(settings: Settings, tell: Tell) -> tuple[int, int]:
    """Make the portfolios of all signals after the newest, and load their weights.

    A portfolio that was made stays, whatever is corrected later: it is what was decided
    that evening. Each is made from the one before it. A strategy is loaded when it is
    done: an interruption loses the one at work.

    Returns
    -------
    portfolios, weights : int
        Portfolios made, and weights stored.

    Raises
    ------
    ModelError
        The bounds of a strategy name a style that does not exist, or the solver ended
        with neither an optimum nor a contradiction.
    """
    with connect_build(settings) as con:
        create_raw_tables(con)
        due = due_portfolios(con)
        weights = 0
        # Strategies share their inputs: what is read for one is kept for the next.
        read = Read(
            lru_cache(MOST_KEPT)(partial(read_stocks, con)),
            lru_cache(MOST_KEPT)(partial(read_growth, con)),
        )
        for code, of_strategy in groupby(due, key=attrgetter("strategy_code")):
            made = _make(con, read, code, list(of_strategy), tell)
            frame = pd.concat(made, ignore_index=True)
            weights += load_rows(settings, "portfolio_weight", frame)
    return len(due), weights


def _make(
    con: duckdb.DuckDBPyConnection, read: Read, code: str, due: list[Due], tell: Tell
) -> Iterator[pd.DataFrame]:
    """Yield the rows of a strategy's due portfolios, which come in order of dates."""
    from models_ml.enhancement import Bounds, SolverError

    row = read_bounds(con).loc[code]
    bounds = Bounds(*(float(row[field.name]) for field in fields(Bounds)))
    told = asdict(bounds) | {
        name: row[name] for name in ("styles", "index_code", "model_code")
    }
    former = read_newest(con, code)
    for number, one in enumerate(due, start=1):
        day = one.signal_date
        tell(f"weighing {code}", number, len(due))
        before = None
        if former is not None:
            since, weights = former
            before = drift(weights, read.growth(day, since))
        stocks = read.stocks(day, one.index_code, one.model_code)
        styles = known_styles(code, str(row["styles"]), stocks)
        try:
            codes, portfolio = weigh(stocks, styles, before, bounds)
        except SolverError as error:
            raise ModelError(f"{code} of {day}: {error}") from error
        weights = pd.Series(portfolio.weights, index=codes)
        former = day, weights[weights > 0]
        yield _rows(one, former[1], portfolio, json.dumps(told))


def known_styles(strategy_code: str, styles: str, stocks: pd.DataFrame) -> list[str]:
    """Return the styles that a strategy's bounds name.

    Raises
    ------
    ModelError
        One of them is no style.
    """
    known = sorted(set(stocks.columns) - NO_STYLES)
    named = styles.split("|")
    if unknown := sorted(set(named) - set(known)):
        raise ModelError(
            f"dbt_project/seeds/enhancement.csv: styles of {strategy_code} names "
            f"{', '.join(unknown)}: the styles are {', '.join(known)}"
        )
    return named


def drift(weights: pd.Series, growth: pd.Series) -> pd.Series:
    """Return the weights that prices have made of a portfolio, summing to one.

    What has left the exchange is booked out and its share spread over the rest; a stock
    without a price keeps its value.
    """
    grown = (weights * growth.fillna(1.0).reindex(weights.index)).dropna()
    return grown / grown.sum()


def weigh(
    stocks: pd.DataFrame,
    styles: list[str],
    before: pd.Series | None,
    bounds: Bounds,
) -> tuple[pd.Index, Portfolio]:
    """Return the codes that stood to choice, and the portfolio over them.

    Members of the index, stocks with a score and what is held stand to choice.
    """
    from models_ml.enhancement import enhance

    stands = (stocks["index_weight"] > 0) | stocks["score"].notna()
    if before is not None:
        before = before.reindex(stocks.index, fill_value=0.0)
        stands |= before > 0
    choice = stocks[stands]
    previous = None if before is None else before[stands].to_numpy()
    portfolio = enhance(
        score=choice["score"].to_numpy(np.float64),
        index_weight=choice["index_weight"].to_numpy(np.float64),
        industry=choice["industry"].fillna(-1).to_numpy(np.int64),
        styles=choice[styles].to_numpy(np.float64),
        is_tradable=choice["is_tradable"].to_numpy(np.bool_),
        previous=previous,
        bounds=bounds,
    )
    return choice.index, portfolio


def _rows(
    due: Due, weights: pd.Series, portfolio: Portfolio, bounds: str
) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "strategy_code": due.strategy_code,
            "signal_date": due.signal_date,
            "security_code": weights.index,
            "target_weight": weights.to_numpy(),
            "outcome": portfolio.outcome.value,
            "reason": pd.Series([portfolio.reason] * len(weights), dtype="string"),
            "decision_time": datetime.combine(due.signal_date, CLOSE),
            "bounds": bounds,
            "code_version": version("lundong"),
        }
    )
