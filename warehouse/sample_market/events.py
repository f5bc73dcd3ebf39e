"""Dated events drawn before prices: capital changes, dividends, analysts' reports.

Add an event that moves prices or share counts here. Keep its effect on prices in
``returns`` and the wording of reports in ``texts``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from warehouse.sample_market.calendar import Dates
from warehouse.sample_market.config import Effects
from warehouse.sample_market.universe import NOT_ST, Floats, Integers, Universe

JUMP_SPLIT = (0.5, 0.5)
DRIFT_DAYS = 60
DRIFT_HALF_LIFE = 20.0
CLOSE_OF_TRADING = 15 * 3600
BROKERS = 20
BROKERS_PER_STOCK = 6


@dataclass(frozen=True)
class CapitalEvents:
    """What changes prices or shares before the open of a day; arrays are (T, N).

    ``dividend_yield`` is cash over the previous close; ``bonus``, ``rights`` and
    ``placement`` are new shares for a share held; ``unlocked`` is the part of the
    locked shares that becomes float.
    """

    dividend_yield: Floats
    bonus: Floats
    rights: Floats
    placement: Floats
    unlocked: Floats


def make_capital_events(universe: Universe, rng: np.random.Generator) -> CapitalEvents:
    """Draw dividends from May to July, bonus shares, rights, placements, unlocks."""
    shape = universe.active.shape
    years = universe.days.astype("datetime64[Y]")
    months = universe.days.astype("datetime64[M]").astype(int) % 12 + 1
    season = np.flatnonzero((months >= 5) & (months <= 7))
    arrays = [np.zeros(shape) for _ in range(5)]
    dividend_yield, bonus, rights, placement, unlocked = arrays
    stocks = np.arange(universe.stocks)
    for year in np.unique(years[season]):
        days = season[years[season] == year]
        ex_day = rng.choice(days, universe.stocks)
        pays = rng.random(universe.stocks) < 0.65
        gives = rng.random(universe.stocks) < 0.07
        offers = rng.random(universe.stocks) < 0.008
        dividend_yield[ex_day, stocks] = pays * rng.gamma(2.0, 0.008, universe.stocks)
        bonus[ex_day, stocks] = gives * rng.choice([0.2, 0.3, 0.4, 0.5], len(stocks))
        rights[ex_day, stocks] = offers * 0.3
    placed = rng.random(shape) < 0.0004
    placement[placed] = rng.uniform(0.03, 0.2, placed.sum())
    freed = rng.random(shape) < 0.0012
    unlocked[freed] = rng.uniform(0.1, 0.9, freed.sum())
    # A company whose shares rest, are new or leave changes nothing.
    day_index = np.arange(shape[0])[:, None]
    settled = universe.trading & (universe.status == NOT_ST)
    settled &= day_index > universe.list_index + 30
    return CapitalEvents(*(array * settled for array in arrays))


@dataclass(frozen=True)
class Reports:
    """Analysts' reports: who, when, and the tone that nobody is told.

    ``known_index`` is the first trading day on which the report could be used (T, one
    past the last day, if that lies after the data). ``direction`` is 1 for a raised
    forecast, -1 for a lowered one, 0 for none; tone has mean 0 and variance 1.
    ``is_first`` marks the first report of a broker on a stock.
    """

    stock: Integers
    published_at: npt.NDArray[np.datetime64]
    known_index: Integers
    tone: Floats
    direction: Integers
    broker: Integers
    is_first: npt.NDArray[np.bool_]


def known_index(days: Dates, published_at: npt.NDArray[np.datetime64]) -> Integers:
    """Return the first trading day usable: the next one after the close of 15:00."""
    date = published_at.astype("datetime64[D]")
    seconds = (published_at - date.astype(published_at.dtype)).astype(int)
    late = (seconds > CLOSE_OF_TRADING).astype("timedelta64[D]")
    return np.asarray(np.searchsorted(days, date + late), dtype=np.int64)


def make_reports(
    universe: Universe, reports_per_year: float, rng: np.random.Generator
) -> Reports:
    """Draw the reports of the written period, in order of publication.

    Coverage differs between stocks by a factor of about ten. Half of the reports come
    after the close; some on weekends.
    """
    first_day, last_day = universe.days[universe.first], universe.days[-1]
    span = int((last_day - first_day).astype(int)) + 1
    coverage = rng.lognormal(0.0, 0.7, universe.stocks)
    coverage *= reports_per_year * span / 365.25 / np.exp(0.245)
    stock = np.repeat(np.arange(universe.stocks), rng.poisson(coverage))
    count = len(stock)
    date = first_day + rng.integers(0, span, count).astype("timedelta64[D]")
    weekend = ~np.is_busday(date)
    keep = ~weekend | (rng.random(count) < 0.3)
    part = rng.choice(3, count, p=[0.3, 0.2, 0.5])
    hour = np.array([7.0, 9.5, 15.5])[part] + np.array([2.0, 5.0, 7.5])[
        part
    ] * rng.random(count)
    published_at = date.astype("datetime64[s]") + (hour * 3600).astype("timedelta64[s]")
    order = np.lexsort((stock, published_at))
    order = order[keep[order]]
    stock, published_at = stock[order], published_at[order]
    usable = known_index(universe.days, published_at)
    day = np.minimum(usable, len(universe.days) - 1)
    covered = universe.active[day, stock] & (universe.status[day, stock] == NOT_ST)
    covered &= day > universe.list_index[stock] + 20
    stock, published_at, usable = (
        stock[covered],
        published_at[covered],
        usable[covered],
    )
    count = len(stock)
    tone = np.clip(rng.standard_normal(count), -2.5, 2.5)
    mood = 0.4 * tone + rng.standard_normal(count)
    direction = np.where(mood > 0.2, 1, np.where(mood < -0.3, -1, 0))
    broker = (stock * 3 + rng.integers(0, BROKERS_PER_STOCK, count)) % BROKERS
    pair = stock * BROKERS + broker
    is_first = np.zeros(count, dtype=bool)
    is_first[np.unique(pair, return_index=True)[1]] = True
    direction[is_first] = 0
    return Reports(stock, published_at, usable, tone, direction, broker, is_first)


def tone_kernel(effects: Effects) -> Floats:
    """Return the expected daily return per unit of tone, from the known day on.

    A jump over two days, then a drift whose daily size halves every 20 days.
    """
    after = np.arange(DRIFT_DAYS) - len(JUMP_SPLIT)
    drift = effects.tone_drift / 5 * 0.5 ** (after / DRIFT_HALF_LIFE)
    kernel = np.where(after >= 0, drift, 0.0)
    kernel[: len(JUMP_SPLIT)] = np.array(JUMP_SPLIT) * effects.tone_jump
    return kernel


def spread_tone(reports: Reports, kernel: Floats, shape: tuple[int, int]) -> Floats:
    """Add up ``tone x kernel[day - known day]`` over all reports; shape (T, N)."""
    day = reports.known_index[:, None] + np.arange(len(kernel))
    inside = day < shape[0]
    stock = np.broadcast_to(reports.stock[:, None], day.shape)
    values = reports.tone[:, None] * kernel
    spread = np.zeros(shape)
    np.add.at(spread, (day[inside], stock[inside]), values[inside])
    return spread
