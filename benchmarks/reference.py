"""Diffusion index and industry returns once more, in numpy, from the raw tables alone.

Written from the methodology, not from the models: a matrix a quantity, days by stocks,
and a loop over days. Add a measure that deserves a second hand; keep SQL beyond plain
reading out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt

from warehouse.raw_tables import RAW_TABLE_BY_NAME
from warehouse.store import current_rows_sql

Floats = npt.NDArray[np.float64]
Days = npt.NDArray[np.datetime64]

LOOKBACK_DAYS = 220
FLOAT_WINDOW_DAYS = 21
MINIMUM_MEMBERS = 3
SHARE_PRICE_AGE_DAYS = 30


@dataclass(frozen=True)
class Reference:
    """Industry figures, days by industries; NaN where there is none.

    Attributes
    ----------
    days : array of datetime64[D], shape (T,)
        Trading days up to the last one asked for.
    industries : tuple of str
        Industry codes, I of them.
    diffusion_index, float_cap_return : array, shape (T, I)
        The index with 220 days and float caps, and the return of the day with the float
        caps of the day before.
    """

    days: Days
    industries: tuple[str, ...]
    diffusion_index: Floats
    float_cap_return: Floats


def carry_forward(values: Floats) -> Floats:
    """Fill NaN with the last value above it in the column; shape (T, N)."""
    rows = np.arange(len(values))[:, None]
    last = np.where(np.isnan(values), 0, rows)
    np.maximum.accumulate(last, axis=0, out=last)
    return np.take_along_axis(values, last, axis=0)


def trailing_median(values: Floats, window: int) -> Floats:
    """Median of the last ``window`` values that are not NaN, column by column.

    Returns
    -------
    array, shape (T, N)
        NaN where the value itself is NaN.
    """
    result = np.full_like(values, np.nan)
    head = np.full(window - 1, np.nan)
    for column in np.flatnonzero(~np.isnan(values).all(axis=0)):
        own = values[:, column]
        wanted = np.flatnonzero(~np.isnan(own))
        padded = np.concatenate([head, own])
        windows = np.lib.stride_tricks.sliding_window_view(padded, window)[wanted]
        result[wanted, column] = np.nanmedian(windows, axis=1)
    return result


def industry_reference(
    con: duckdb.DuckDBPyConnection, industry_system: str, last_day: np.datetime64
) -> Reference:
    """Compute the figures of an industry system from the raw tables.

    Parameters
    ----------
    con : duckdb.DuckDBPyConnection
        Connection to a builder's file.
    industry_system : str
        System whose members are grouped.
    last_day : datetime64[D]
        Last day of the market's bars.

    Notes
    -----
    A suspended stock (no bar, or no volume) keeps its adjusted close. Share counts come
    from the market value of a quarter's end until they are reported; the float is the
    trailing median of volume over turnover where turnover is known, at most the total.
    """
    calendar = _read(con, "trading_calendar", "calendar_date", "is_open")
    days = np.unique(calendar["calendar_date"][calendar["is_open"].astype(bool)])
    bars = _read(
        con,
        "daily_bar",
        *("security_code", "trade_date", "close_cny", "volume_shares"),
        *("adjust_factor", "turnover_ratio"),
        condition=f"trade_date <= date '{last_day}'",
    )
    days = days[(days >= bars["trade_date"].min()) & (days <= last_day)]
    codes, stock = np.unique(bars["security_code"].astype(str), return_inverse=True)
    day = np.searchsorted(days, bars["trade_date"])
    shape = (len(days), len(codes))

    def matrix(values: Floats) -> Floats:
        filled = np.full(shape, np.nan)
        filled[day, stock] = values
        return filled

    is_traded = bars["volume_shares"] > 0
    close, factor = bars["close_cny"], bars["adjust_factor"]
    any_close = matrix(close)
    traded_close = matrix(np.where(is_traded, close, np.nan))
    adjusted = carry_forward(matrix(np.where(is_traded, close * factor, np.nan)))
    with np.errstate(divide="ignore", invalid="ignore"):
        turned = np.where(
            is_traded & (bars["turnover_ratio"] > 0),
            bars["volume_shares"] / bars["turnover_ratio"],
            np.nan,
        )
    floats = trailing_median(matrix(turned), FLOAT_WINDOW_DAYS)
    factors = carry_forward(matrix(factor))
    last_close = np.where(
        np.isnan(traded_close), np.round(adjusted / factors, 4), traded_close
    )
    # A stock is gone from the day of its delisting on.
    securities = _read(con, "security", "security_code", "delist_date")
    for code, gone in zip(
        *(securities[name] for name in ("security_code", "delist_date")), strict=True
    ):
        if not np.isnat(gone) and code in set(codes):
            adjusted[days >= gone, np.searchsorted(codes, code)] = np.nan

    totals = _total_shares(con, days, codes, any_close)
    _take_reported(con, days, codes, totals, floats)
    floats = carry_forward(floats)
    cap = last_close * np.fmin(np.where(np.isnan(floats), totals, floats), totals)
    members, industries = _members(con, industry_system, days, codes)
    return _by_industry(days, industries, members, adjusted, cap)


def _read(
    con: duckdb.DuckDBPyConnection, table: str, *columns: str, condition: str = "true"
) -> dict[str, npt.NDArray[Any]]:
    """Read the current rows of a raw table; NULL becomes NaN or NaT."""
    query = current_rows_sql(RAW_TABLE_BY_NAME[table], columns, condition=condition)
    read: dict[str, npt.NDArray[Any]] = {}
    for name, values in con.execute(query).fetchnumpy().items():
        plain = np.asarray(np.ma.getdata(values))
        if plain.dtype.kind == "M":
            plain = plain.astype("datetime64[D]")
        mask = np.ma.getmaskarray(values)
        if mask.any() and plain.dtype.kind == "M":
            plain = np.where(mask, np.datetime64("NaT"), plain)
        elif mask.any() and plain.dtype.kind == "f":
            plain = np.where(mask, np.nan, plain)
        read[name] = plain
    return read


def _total_shares(
    con: duckdb.DuckDBPyConnection,
    days: Days,
    codes: npt.NDArray[np.str_],
    any_close: Floats,
) -> Floats:
    """Market value of a quarter's end over the last close of the 30 days until then."""
    totals = np.full(any_close.shape, np.nan)
    quarter = _read(
        con,
        "fundamental",
        *("security_code", "period_end", "known_date", "market_cap_cny"),
        condition="market_cap_cny > 0",
    )
    position = np.searchsorted(codes, quarter["security_code"].astype(str))
    position = np.minimum(position, len(codes) - 1)
    is_here = codes[position] == quarter["security_code"].astype(str)
    # Oldest quarter first: of two that become known on one day, the newer one stays.
    order = np.lexsort((quarter["period_end"], quarter["known_date"]))
    newest = np.full(len(codes), np.datetime64("0001-01-01"))
    for row in order[is_here[order]]:
        column, end = position[row], quarter["period_end"][row]
        known = np.searchsorted(days, quarter["known_date"][row])
        if end <= newest[column] or known == len(days):
            continue
        first = np.searchsorted(days, end - SHARE_PRICE_AGE_DAYS, side="right")
        closes = any_close[first : np.searchsorted(days, end, side="right"), column]
        closes = closes[~np.isnan(closes)]
        if len(closes):
            newest[column] = end
            totals[known, column] = quarter["market_cap_cny"][row] / closes[-1]
    return carry_forward(totals)


def _take_reported(
    con: duckdb.DuckDBPyConnection,
    days: Days,
    codes: npt.NDArray[np.str_],
    totals: Floats,
    floats: Floats,
) -> None:
    """Put reported share counts in place of derived ones, from their day on."""
    reported = _read(
        con,
        "share_capital",
        *("security_code", "valid_from", "total_shares", "float_shares"),
    )
    for row in np.argsort(reported["valid_from"], kind="stable"):
        code = str(reported["security_code"][row])
        column = int(np.searchsorted(codes, code))
        if column == len(codes) or codes[column] != code:
            continue
        first = np.searchsorted(days, reported["valid_from"][row])
        totals[first:, column] = reported["total_shares"][row]
        if not np.isnan(reported["float_shares"][row]):
            floats[first:, column] = reported["float_shares"][row]


def _members(
    con: duckdb.DuckDBPyConnection,
    industry_system: str,
    days: Days,
    codes: npt.NDArray[np.str_],
) -> tuple[npt.NDArray[np.int16], tuple[str, ...]]:
    """Return each stock's industry by day as a number (-1: none), and the codes."""
    member = _read(
        con,
        "industry_member",
        *("security_code", "industry_code", "valid_from", "valid_to"),
        condition=f"industry_system = '{industry_system}'",
    )
    industries, number = np.unique(
        member["industry_code"].astype(str), return_inverse=True
    )
    members = np.full((len(days), len(codes)), -1, dtype=np.int16)
    for row, code in enumerate(member["security_code"].astype(str)):
        column = int(np.searchsorted(codes, code))
        if column == len(codes) or codes[column] != code:
            continue
        until = member["valid_to"][row]
        end = len(days) if np.isnat(until) else np.searchsorted(days, until)
        start = np.searchsorted(days, member["valid_from"][row])
        members[start:end, column] = number[row]
    return members, tuple(str(code) for code in industries)


def _by_industry(
    days: Days,
    industries: tuple[str, ...],
    members: npt.NDArray[np.int16],
    adjusted: Floats,
    cap: Floats,
) -> Reference:
    index = np.full((len(days), len(industries)), np.nan)
    returned = np.full_like(index, np.nan)
    groups = len(industries)

    def total(at: int, chosen: npt.NDArray[np.bool_], weights: Floats) -> Floats:
        summed = np.bincount(members[at][chosen], weights[chosen], minlength=groups)
        return summed.astype(np.float64)

    for at in range(1, len(days)):
        in_industry = members[at] >= 0
        yesterday, weights = adjusted[at - 1], cap[at - 1]
        chosen = in_industry & ~np.isnan(adjusted[at] + yesterday + weights)
        weight = total(at, chosen, weights)
        gain = total(at, chosen, weights * (adjusted[at] / yesterday - 1))
        np.divide(gain, weight, out=returned[at], where=weight > 0)
        if at < LOOKBACK_DAYS:
            continue
        before = adjusted[at - LOOKBACK_DAYS]
        chosen = in_industry & ~np.isnan(adjusted[at] + before + cap[at])
        whole = total(at, chosen, cap[at])
        risen = total(at, chosen & (adjusted[at] > before), cap[at])
        count = np.bincount(members[at][chosen], minlength=groups)
        np.divide(risen, whole, out=index[at], where=count >= MINIMUM_MEMBERS)
    return Reference(days, industries, index, returned)
