"""Highs, lows and amounts of days, and the daily tables of securities.

A day with minute bars takes its high, low and amount from them; the others draw theirs
here. Add a daily table of securities here; keep minutes in ``minutes``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from warehouse.sample_market.calendar import (
    Dates,
    calendar_days,
    is_open,
)
from warehouse.sample_market.industries import (
    CITIC1,
    SHENWAN_2021_DAY,
    citic2_code,
    pool32_code,
    shenwan_code,
)
from warehouse.sample_market.returns import Paths, round_price
from warehouse.sample_market.universe import (
    BOARDS,
    STATUS_NAMES,
    Booleans,
    Floats,
    Integers,
    Universe,
)
from warehouse.sample_market.write import raw_table, text_column


@dataclass(frozen=True)
class Ranges:
    """High, low and amount of every day, shape (T, N); filled by minutes where made."""

    high: Floats
    low: Floats
    amount: Floats


def bridge_high(move: Floats, variance: Floats, uniform: Floats) -> Floats:
    """Return the highest point of a Brownian bridge from 0 to ``move``.

    Its distribution is P(max > m) = exp(-2 m (m - move) / variance), inverted at
    ``uniform`` in (0, 1].
    """
    return (move + np.sqrt(move**2 - 2.0 * variance * np.log(uniform))) / 2.0


def draw_ranges(paths: Paths, days: slice, rng: np.random.Generator) -> Ranges:
    """Draw high, low and amount of the days from open, close and volatility."""
    opened, closed = paths.open[days], paths.close[days]
    uniform = rng.random((2, *opened.shape))
    variance = np.where(paths.is_one_price[days], 0.0, paths.intraday_sigma[days] ** 2)
    move = np.log(closed / opened)
    rise = bridge_high(move, variance, 1.0 - uniform[0])
    fall = bridge_high(-move, variance, 1.0 - uniform[1])
    high = np.fmin(round_price(opened * np.exp(rise)), paths.limit_up[days])
    low = np.fmax(round_price(opened * np.exp(-fall)), paths.limit_down[days])
    high = np.maximum(high, np.maximum(opened, closed))
    low = np.minimum(low, np.minimum(opened, closed))
    average = (opened + high + low + closed) / 4.0
    return Ranges(high, low, np.round(average * paths.volume[days], 2))


def _long(mask: Booleans) -> tuple[Integers, Integers]:
    """Return day and stock positions of the cells, ordered by day, then stock."""
    day, stock = np.nonzero(mask)
    return day, stock


def trading_calendar_table(first: np.datetime64, last: np.datetime64) -> pa.Table:
    """Return every calendar day from ``first`` to ``last``."""
    days = calendar_days(first, last)
    return raw_table(
        "trading_calendar", {"calendar_date": days, "is_open": is_open(days)}
    )


def security_table(universe: Universe) -> pa.Table:
    """Return the securities with their first and last days."""
    days = universe.days
    left = universe.delist_index < len(days)
    delist_date = np.full(universe.stocks, np.datetime64("NaT"), dtype="datetime64[D]")
    delist_date[left] = days[universe.delist_index[left]]
    return raw_table(
        "security",
        {
            "security_code": universe.code,
            "name": universe.name,
            "board": [BOARDS[k] for k in universe.board],
            "list_date": universe.list_date,
            "delist_date": delist_date,
        },
    )


def daily_bar_table(universe: Universe, paths: Paths, ranges: Ranges) -> pa.Table:
    """Return the bars of all trading days written; none on a suspended day."""
    first = universe.first
    day, stock = _long(universe.trading[first:])
    cells = (day + first, stock)
    return raw_table(
        "daily_bar",
        {
            "security_code": text_column(universe.code, stock),
            "trade_date": universe.days[cells[0]],
            "open_cny": paths.open[cells],
            "high_cny": ranges.high[day, stock],
            "low_cny": ranges.low[day, stock],
            "close_cny": paths.close[cells],
            "previous_close_cny": paths.reference[cells],
            "volume_shares": paths.volume[cells],
            "amount_cny": ranges.amount[day, stock],
            "adjust_factor": paths.factor[cells],
            "turnover_ratio": paths.volume[cells] / paths.float_shares[cells],
            "bar_source": text_column(["vendor"], np.zeros(len(day), dtype=np.int32)),
        },
    )


def price_limit_table(universe: Universe, paths: Paths) -> pa.Table:
    """Return the limit prices of all listed days; NULL where the day has none."""
    first = universe.first
    day, stock = _long(universe.active[first:])
    cells = (day + first, stock)
    return raw_table(
        "price_limit",
        {
            "security_code": text_column(universe.code, stock),
            "trade_date": universe.days[cells[0]],
            "limit_up_cny": paths.limit_up[cells],
            "limit_down_cny": paths.limit_down[cells],
        },
    )


def share_capital_table(universe: Universe, paths: Paths) -> pa.Table:
    """Return share counts at the start (or the listing) and on every change.

    The first row of a stock listed before the data is dated its listing.
    """
    first = universe.first
    counts = np.stack(
        [paths.total_shares, paths.float_shares, paths.free_float_shares]
    )[:, first:]
    active = universe.active[first:]
    changed = np.zeros(active.shape, dtype=bool)
    changed[1:] = (counts[:, 1:] != counts[:, :-1]).any(axis=0) & active[1:]
    changed[0] = active[0]
    day, stock = _long(changed)
    opening = (day == 0) & (universe.list_index[stock] <= first)
    valid_from = np.where(
        opening, universe.list_date[stock], universe.days[day + first]
    )
    return raw_table(
        "share_capital",
        {
            "security_code": text_column(universe.code, stock),
            "valid_from": valid_from,
            "total_shares": counts[0][day, stock],
            "float_shares": counts[1][day, stock],
            "free_float_shares": counts[2][day, stock],
        },
    )


def _day_or_null(days: Dates, index: Integers) -> Dates:
    """Return the dates of positions; NaT past the last day."""
    dates = np.full(len(index), np.datetime64("NaT"), dtype="datetime64[D]")
    inside = index < len(days)
    dates[inside] = days[index[inside]]
    return dates


def st_status_table(universe: Universe) -> pa.Table:
    """Return the special-treatment periods known by the last day."""
    ranges = [r for r in universe.status_ranges if r.last > universe.first]
    stock = np.array([r.stock for r in ranges], dtype=np.int64)
    begin = np.array([max(r.first, 0) for r in ranges], dtype=np.int64)
    end = np.array([r.last for r in ranges], dtype=np.int64)
    return raw_table(
        "st_status",
        {
            "security_code": text_column(universe.code, stock),
            "valid_from": universe.days[begin],
            "valid_to": _day_or_null(universe.days, end),
            "status": [STATUS_NAMES[r.status] for r in ranges],
        },
    )


def industry_member_table(universe: Universe) -> pa.Table:
    """Return memberships of the four systems, from listing on.

    CITIC and the pool change on the day of the reclassification, Shenwan with its
    edition of 2021 where the period holds that day.
    """
    rows: list[tuple[int, str, str, np.datetime64, np.datetime64 | None]] = []
    moved = universe.days[universe.reclassified_index]
    edition = np.datetime64(SHENWAN_2021_DAY)
    for stock in range(universe.stocks):
        listed = universe.list_date[stock]
        old = (int(universe.old_industry[stock]), int(universe.sub[stock]))
        new = (int(universe.new_industry[stock]), int(universe.new_sub[stock]))
        pairs = [
            ("citic1", moved, CITIC1[old[0]], CITIC1[new[0]]),
            ("citic2", moved, citic2_code(*old), citic2_code(*new)),
            ("pool32", moved, pool32_code(*old), pool32_code(*new)),
            (
                "shenwan1",
                edition,
                shenwan_code(*old, edition=2014),
                shenwan_code(*old, edition=2021),
            ),
        ]
        for system, change, before, after in pairs:
            if before is None or after is None:
                continue
            if before == after or listed >= change:
                rows.append((stock, system, after, listed, None))
            else:
                rows.append((stock, system, before, listed, change))
                rows.append((stock, system, after, change, None))
    stock_column, systems, codes, valid_from, valid_to = zip(*rows, strict=True)
    begin = np.array(valid_from, dtype="datetime64[D]")
    return raw_table(
        "industry_member",
        {
            "security_code": text_column(universe.code, np.array(stock_column)),
            "industry_system": list(systems),
            "industry_code": list(codes),
            "valid_from": begin,
            "valid_to": np.array(valid_to, dtype="datetime64[D]"),
            "updated_date": begin,
        },
    )
