"""The securities of the sample market: boards, listings, ST, suspensions, limits.

Everything here is drawn before a price exists and does not depend on one. Add a
property of a security or of its status here; keep prices and returns out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from warehouse.sample_market.calendar import Dates, trading_days
from warehouse.sample_market.config import SampleConfig
from warehouse.sample_market.industries import (
    CITIC1,
    CITIC1_COMPANIES,
    POOL_SPLIT,
    RECLASSIFIED_FROM,
    RECLASSIFIED_TO,
    SUB_INDUSTRIES,
)

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]

BOARDS = ("main", "chinext", "star", "beijing")
BOARD_SHARES = (0.60, 0.22, 0.12, 0.06)
BOARD_OPENED = ("1995-01-01", "2009-10-30", "2019-07-22", "2021-11-15")
NEW_LISTING_SHARE = 0.15
ST_SHARE = 0.06

NOT_ST, ST, STAR_ST, DELISTING = 0, 1, 2, 3
STATUS_NAMES = ("", "ST", "*ST", "delisting")
# The delisting period lasts fifteen trading days; *ST stands for about half a year
# before it.
DELISTING_DAYS = 15
STAR_ST_DAYS = 100

CHINEXT_REFORM = np.datetime64("2020-08-24")
MAIN_REFORM = np.datetime64("2023-04-10")
MAIN_ST_REFORM = np.datetime64("2026-07-06")
FREE_LISTING_DAYS = 5


@dataclass(frozen=True)
class StatusRange:
    """A period of special treatment; ``last`` is the index of the first day after."""

    stock: int
    status: int
    first: int
    last: int


@dataclass(frozen=True)
class Universe:
    """Securities over all simulated days, the warm-up included.

    ``days`` has T dates, of which those from ``first`` on are written. Arrays over
    days and stocks have the shape (T, N).
    """

    days: Dates
    first: int
    code: npt.NDArray[np.str_]
    name: list[str]
    board: Integers
    list_date: Dates
    list_index: Integers
    delist_index: Integers
    sub: Integers
    old_industry: Integers
    new_industry: Integers
    new_sub: Integers
    reclassified_index: int
    status_ranges: list[StatusRange]
    active: Booleans
    trading: Booleans
    status: npt.NDArray[np.int8]
    limit_percent: Floats

    @property
    def stocks(self) -> int:
        """Return the number of securities."""
        return len(self.code)

    def industry(self, day: int) -> Integers:
        """Return the CITIC level-1 position of every stock on a day."""
        return self.old_industry if day < self.reclassified_index else self.new_industry


def _codes(board: Integers) -> npt.NDArray[np.str_]:
    """Give each stock a code within its board's own range."""
    codes = np.empty(len(board), dtype="U9")
    ranges = {0: None, 1: (300001, "SZ"), 2: (688001, "SH"), 3: (920001, "BJ")}
    for kind, start in ranges.items():
        members = np.flatnonzero(board == kind)
        for position, stock in enumerate(members):
            if start is not None:
                codes[stock] = f"{start[0] + position:06d}.{start[1]}"
            elif position % 2:
                codes[stock] = f"{600001 + position // 2:06d}.SH"
            else:
                codes[stock] = f"{1 + position // 2:06d}.SZ"
    return codes


def _industries(config: SampleConfig, rng: np.random.Generator) -> Integers:
    """Draw an industry for each stock with the sizes of the real market."""
    companies = np.array([count for _, count in CITIC1_COMPANIES], dtype=float)
    least = np.array(
        [
            config.smallest_industry * (SUB_INDUSTRIES if k in POOL_SPLIT else 1)
            for k in range(len(CITIC1))
        ]
    )
    free = config.stocks - int(least.sum())
    if free < 0:
        raise ValueError(
            f"{config.stocks} stocks cannot fill the industries: at least "
            f"{int(least.sum())} are needed, or lower smallest_industry"
        )
    missing = np.maximum(companies / companies.sum() * config.stocks - least, 0)
    extra = np.floor(missing / missing.sum() * free).astype(int)
    short = free - int(extra.sum())
    extra[np.argsort(-missing)[:short]] += 1
    industry = np.repeat(np.arange(len(CITIC1)), least + extra)
    return rng.permutation(industry)


def _sub_industries(industry: Integers) -> Integers:
    """Deal the stocks of each industry out to its three sub-industries in turn."""
    sub = np.zeros(len(industry), dtype=np.int64)
    for k in range(len(CITIC1)):
        members = np.flatnonzero(industry == k)
        sub[members] = np.arange(len(members)) % SUB_INDUSTRIES
    return sub


def _listings(
    days: Dates,
    first: int,
    board: Integers,
    rng: np.random.Generator,
) -> tuple[Dates, Integers]:
    """Draw the listing dates: most before the data, some within.

    Beijing lists from the opening of its exchange on, a third of it on that day. One
    main-board stock lists just after the rule of 2023-04-10, when it is in the period.
    """
    stocks, last = len(board), len(days)
    earliest = np.array(BOARD_OPENED, dtype="datetime64[D]")[board]
    latest = days[first] - np.timedelta64(200, "D")
    span = np.maximum((latest - earliest).astype(int), 1)
    list_date = earliest + (rng.random(stocks) * span).astype("timedelta64[D]")
    list_index = np.zeros(stocks, dtype=np.int64)
    beijing = board == BOARDS.index("beijing")
    is_new = (rng.random(stocks) < NEW_LISTING_SHARE) | beijing
    drawn = rng.integers(first + 5, last - 20, stocks)
    opened = int(np.searchsorted(days, np.datetime64(BOARD_OPENED[3])))
    opened = max(opened, first + 5)
    drawn[beijing] = rng.integers(opened, max(last - 20, opened + 1), beijing.sum())
    drawn[np.flatnonzero(beijing)[::3]] = opened
    reform = int(np.searchsorted(days, MAIN_REFORM)) + 2
    main = np.flatnonzero(is_new & (board == 0))
    if first < reform < last - 20 and len(main):
        drawn[main[0]] = reform
    list_index[is_new] = drawn[is_new]
    list_date[is_new] = days[drawn[is_new]]
    return list_date, list_index


def _statuses(
    config: SampleConfig,
    last: int,
    first: int,
    list_index: Integers,
    board: Integers,
    rng: np.random.Generator,
) -> tuple[Integers, list[StatusRange]]:
    """Draw who leaves the exchange and when, and all special-treatment periods."""
    stocks = len(list_index)
    delist_index = np.full(stocks, last, dtype=np.int64)
    old = np.flatnonzero((list_index == 0) & (board != BOARDS.index("beijing")))
    leavers = rng.choice(old, config.delisted, replace=False)
    earliest = first + STAR_ST_DAYS + DELISTING_DAYS + 5
    delist_index[leavers] = rng.integers(earliest, last - 3, len(leavers))
    ranges = []
    for stock in leavers:
        end = int(delist_index[stock])
        period = end - DELISTING_DAYS
        ranges.append(StatusRange(stock, STAR_ST, period - STAR_ST_DAYS, period))
        ranges.append(StatusRange(stock, DELISTING, period, end))
    stayers = np.setdiff1d(old, leavers)
    treated = rng.choice(stayers, max(int(ST_SHARE * stocks), 2), replace=False)
    for position, stock in enumerate(treated):
        begin = int(rng.integers(first - 60, last - 40))
        middle = begin + int(rng.integers(60, 250))
        end = middle + int(rng.integers(60, 250)) if position % 3 == 0 else middle
        ranges.append(StatusRange(stock, ST, begin, min(middle, last)))
        if middle < end and middle < last:
            ranges.append(StatusRange(stock, STAR_ST, middle, min(end, last)))
    return delist_index, sorted(ranges, key=lambda r: (r.stock, r.first))


def _suspended(
    days: int, ranges: list[StatusRange], list_index: Integers, rng: np.random.Generator
) -> Booleans:
    """Draw suspensions: mostly days, sometimes months, and before a delisting period.

    None touches a new listing's first days or the delisting period itself.
    """
    stocks = len(list_index)
    suspended = np.zeros((days, stocks), dtype=bool)
    start, stock = np.nonzero(rng.random((days, stocks)) < 0.0006)
    length = np.minimum(rng.geometric(0.15, len(start)), 30)
    length = np.where(rng.random(len(start)) < 0.06, 70, length)
    for day, member, span in zip(start, stock, length, strict=True):
        suspended[day : day + span, member] = True
    for period in ranges:
        if period.status == DELISTING:
            suspended[period.first - 8 : period.first, period.stock] = True
            suspended[period.first : period.last, period.stock] = False
    day_index = np.arange(days)[:, None]
    suspended[(day_index >= list_index) & (day_index < list_index + 10)] = False
    return suspended


def limit_percent(
    days: Dates,
    board: Integers,
    listed_days: Integers,
    status: npt.NDArray[np.int8],
    delisting_days: Integers,
) -> Floats:
    """Return the daily price limit in per cent; NaN where the day has none.

    Parameters
    ----------
    days : (T,) dates
    board : (N,) position in ``BOARDS``
    listed_days : (T, N) 1 on the first trading day after listing
    status : (T, N) special-treatment status
    delisting_days : (T, N) 1 on the first day of the delisting period, else 0 or more

    Notes
    -----
    Main board 10, ST 5 (10 from 2026-07-06); ChiNext 10, from 2020-08-24 20; STAR 20;
    Beijing 30. None on the first five days of a listing (STAR; ChiNext from 2020-08-24;
    main board from 2023-04-10), on Beijing's first day and on the first day of the
    delisting period; 44 on the first day under the older rule.
    """
    day = days[:, None]
    is_main, is_chinext = board == 0, board == 1
    reformed = np.where(
        is_main, day >= MAIN_REFORM, np.where(is_chinext, day >= CHINEXT_REFORM, True)
    )
    percent = np.broadcast_to(
        np.array([10.0, 20.0, 20.0, 30.0])[board], status.shape
    ).copy()
    percent[is_chinext & (day < CHINEXT_REFORM)] = 10.0
    in_treatment = (status == ST) | (status == STAR_ST)
    narrow = np.where(is_main, day < MAIN_ST_REFORM, day < CHINEXT_REFORM)
    percent[in_treatment & (is_main | is_chinext) & narrow] = 5.0
    percent[(listed_days == 1) & ~reformed] = 44.0
    free_days = np.where(board == BOARDS.index("beijing"), 1, FREE_LISTING_DAYS)
    is_free = reformed & (listed_days >= 1) & (listed_days <= free_days)
    percent[is_free | (delisting_days == 1)] = np.nan
    return percent


def make_universe(config: SampleConfig, rng: np.random.Generator) -> Universe:
    """Draw the securities of a market and their statuses on every simulated day."""
    first_day = np.datetime64(config.first_day)
    written = trading_days(first_day, np.datetime64(config.last_day))
    warm_up = trading_days(np.datetime64("2019-01-01"), first_day)[:-1]
    days = np.concatenate([warm_up[-config.warm_up_days :], written])
    first, stocks = len(days) - len(written), config.stocks
    shares = np.round(np.array(BOARD_SHARES) * stocks).astype(int)
    shares[0] += stocks - shares.sum()
    board = np.repeat(np.arange(len(BOARDS)), shares)
    industry = _industries(config, rng)
    sub = _sub_industries(industry)
    list_date, list_index = _listings(days, first, board, rng)
    delist_index, ranges = _statuses(config, len(days), first, list_index, board, rng)
    day_index = np.arange(len(days))[:, None]
    active = (day_index >= list_index) & (day_index < delist_index)
    status = np.zeros(active.shape, dtype=np.int8)
    delisting_days = np.zeros(active.shape, dtype=np.int64)
    for period in ranges:
        span = slice(max(period.first, 0), period.last)
        status[span, period.stock] = period.status
        if period.status == DELISTING:
            delisting_days[span, period.stock] = np.arange(1, DELISTING_DAYS + 1)
    # A stock listed before the simulation is long past its first days.
    listed_days = day_index - list_index + np.where(list_index == 0, 1000, 1)
    moves = (industry == RECLASSIFIED_FROM[0]) & (sub == RECLASSIFIED_FROM[1])
    month = written.astype("datetime64[M]")
    turns = np.flatnonzero(month[1:] != month[:-1]) + 1
    return Universe(
        days=days,
        first=first,
        code=_codes(board),
        name=[f"样本{number:04d}" for number in range(1, stocks + 1)],
        board=board,
        list_date=list_date,
        list_index=list_index,
        delist_index=delist_index,
        sub=sub,
        old_industry=industry,
        new_industry=np.where(moves, RECLASSIFIED_TO[0], industry),
        new_sub=np.where(moves, RECLASSIFIED_TO[1], sub),
        reclassified_index=first + int(turns[len(turns) // 2]),
        status_ranges=ranges,
        active=active,
        trading=active & ~_suspended(len(days), ranges, list_index, rng),
        status=np.where(active, status, 0).astype(np.int8),
        limit_percent=limit_percent(days, board, listed_days, status, delisting_days),
    )
