"""Company reports by announcement date, restatements, and corporate actions.

Nothing here moves a price: profits are drawn beside the market, so that no fundamental
predicts a return. Add a line of a company's accounts here; keep analysts in ``texts``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from warehouse.sample_market.calendar import Dates, trading_days
from warehouse.sample_market.events import CapitalEvents
from warehouse.sample_market.returns import Paths
from warehouse.sample_market.universe import Booleans, Floats, Integers, Universe
from warehouse.sample_market.write import raw_table, text_column

# Reports before the data, so that trailing years and growth exist on its first day.
QUARTERS_BEFORE = 9
# First and last day of announcement after the quarter's end, as the exchanges set it:
# 30 April, 31 August, 31 October, and 30 April of the next year.
ANNOUNCEMENT_DAYS = {3: (8, 30), 6: (20, 62), 9: (8, 31), 12: (60, 120)}
RESTATED_SHARE = 0.02


@dataclass(frozen=True)
class Accounts:
    """Single-quarter and end-of-quarter figures, shape (Q, N)."""

    period_end: Dates
    profit: Floats
    revenue: Floats
    cash_flow: Floats
    book: Floats
    liabilities: Floats
    long_term_debt: Floats
    holders: Floats

    @property
    def quarter(self) -> Integers:
        """Return the quarter of the year, 1 to 4, of each period."""
        month = self.period_end.astype("datetime64[M]").astype(int) % 12 + 1
        return np.asarray(month // 3)


def quarter_ends(first: np.datetime64, last: np.datetime64) -> Dates:
    """Return the quarter ends from nine before ``first`` up to ``last``."""
    month = first.astype("datetime64[M]").astype(int)
    begin = month // 3 * 3 - 3 * QUARTERS_BEFORE
    months = np.arange(begin, last.astype("datetime64[M]").astype(int) + 2, 3)
    ends = months.astype("datetime64[M]").astype("datetime64[D]")
    ends = ends - np.timedelta64(1, "D")
    return np.asarray(ends[ends <= last])


def make_accounts(
    universe: Universe, paths: Paths, rng: np.random.Generator
) -> Accounts:
    """Draw the accounts of all companies over all quarters."""
    ends = quarter_ends(universe.days[universe.first], universe.days[-1])
    shape = (len(ends), universe.stocks)
    start = universe.list_index
    stocks = np.arange(universe.stocks)
    cap = paths.reference[start, stocks] * paths.total_shares[start, stocks]
    book = cap * np.exp(rng.normal(-0.8, 0.55, universe.stocks))
    usual = rng.normal(0.075, 0.06, universe.stocks)
    state = np.zeros(universe.stocks)
    season = np.array([0.85, 1.05, 1.0, 1.1])
    quarter = ends.astype("datetime64[M]").astype(int) % 12 // 3
    books, profits = np.empty(shape), np.empty(shape)
    for q in range(len(ends)):
        state = 0.85 * state + rng.normal(0.0, 0.02, universe.stocks)
        noise = rng.normal(0.0, 0.004, universe.stocks)
        profits[q] = book * ((usual + state) / 4.0 * season[quarter[q]] + noise)
        book = np.maximum(book + 0.7 * profits[q], 0.05 * cap)
        books[q] = book
    turnover = rng.lognormal(np.log(0.3), 0.5, universe.stocks)
    growth = 1.0 + 0.08 * rng.standard_normal(shape)
    debt_share = rng.uniform(0.15, 0.75, universe.stocks)
    debt_share = np.clip(debt_share + 0.01 * rng.standard_normal(shape), 0.05, 0.9)
    liabilities = books * debt_share / (1.0 - debt_share)
    holders = cap / rng.lognormal(np.log(250_000.0), 0.5, universe.stocks)
    wander = np.cumsum(0.06 * rng.standard_normal(shape), axis=0)
    return Accounts(
        period_end=ends,
        profit=profits,
        revenue=books * turnover * season[quarter][:, None] * growth,
        cash_flow=profits * rng.normal(1.05, 0.35, shape) + 0.004 * books,
        book=books,
        liabilities=liabilities,
        long_term_debt=liabilities * rng.uniform(0.05, 0.4, universe.stocks),
        holders=np.maximum(np.rint(holders * np.exp(wander)), 300.0),
    )


def year_to_date(values: Floats, quarter: Integers) -> Floats:
    """Add single quarters up within each year, shape (Q, N).

    A year whose first quarter lies before the data starts with what is there.
    """
    result = values.copy()
    for q in range(1, len(values)):
        if quarter[q] > 1:
            result[q] += result[q - 1]
    return result


def trailing_year(values: Floats) -> Floats:
    """Return the sum of the last four quarters; NaN for the first three."""
    total = np.cumsum(values, axis=0)
    result = np.full(values.shape, np.nan)
    result[3] = total[3]
    result[4:] = total[4:] - total[:-4]
    return result


def known_dates(
    accounts: Accounts, list_date: Dates, rng: np.random.Generator
) -> Dates:
    """Draw the first trading day after each announcement, (Q, N).

    A company that is not listed yet shows its reports on the day of listing.
    """
    shape = accounts.profit.shape
    ends = accounts.period_end
    bounds = np.array([ANNOUNCEMENT_DAYS[3 * int(q)] for q in accounts.quarter])
    wait = bounds[:, :1] + rng.random(shape) * (bounds[:, 1:] - bounds[:, :1])
    announced = ends[:, None] + wait.astype(int).astype("timedelta64[D]")
    announced = np.maximum(announced, list_date[None, :] - np.timedelta64(1, "D"))
    known = np.asarray(np.busday_offset(announced + 1, 0, roll="forward"))
    days = trading_days(np.datetime64("2019-01-01"), np.datetime64("2026-12-31"))
    late = known >= days[0]
    known[late] = days[np.searchsorted(days, known[late])]
    return known


def _market_figures(
    universe: Universe, paths: Paths, accounts: Accounts
) -> dict[str, Floats]:
    """Return caps and ratios at the quarters' ends; NaN where there is no price yet.

    The yield is the cash of the past year's ex-days over the price.
    """
    day = np.searchsorted(universe.days, accounts.period_end, side="right") - 1
    simulated = day >= 0
    price = np.where(simulated[:, None], paths.close[day], np.nan)
    cap = np.where(simulated[:, None], (paths.close * paths.total_shares)[day], np.nan)
    cash = np.cumsum(np.nan_to_num(paths.cash_dividend), axis=0)
    past = np.maximum(day - 242, 0)
    paid = np.where(simulated[:, None], cash[day] - cash[past], np.nan)
    profit = trailing_year(accounts.profit)
    sales = trailing_year(accounts.revenue)
    return {
        "market_cap_cny": cap,
        "pe_ratio": np.where(profit > 0, cap / profit, np.nan),
        "pb_ratio": cap / accounts.book,
        "ps_ratio": cap / sales,
        "dividend_yield": paid / price,
    }


def fundamental_table(
    universe: Universe, paths: Paths, accounts: Accounts, rng: np.random.Generator
) -> pa.Table:
    """Return the reports known by the last day; a few appear again, restated.

    A restatement changes the year's profit by a tenth and is a row of its own with the
    day on which it became known; the first row stays.
    """
    quarter = accounts.quarter
    known = known_dates(accounts, universe.list_date, rng)
    last = universe.days[-1]
    # A prospectus holds three years.
    listed_from = universe.list_date - np.timedelta64(3 * 365, "D")
    exists = (known <= last) & (accounts.period_end[:, None] >= listed_from)
    gone = universe.delist_index < len(universe.days)
    final = np.where(
        gone, universe.days[np.minimum(universe.delist_index, len(universe.days) - 1)],
        last + np.timedelta64(1, "D"),
    )  # fmt: skip
    exists &= known < final
    profit = year_to_date(accounts.profit, quarter)
    columns = {
        **_market_figures(universe, paths, accounts),
        "revenue_cny": year_to_date(accounts.revenue, quarter),
        "net_profit_cny": profit,
        "operating_cash_flow_cny": year_to_date(accounts.cash_flow, quarter),
        "total_assets_cny": accounts.book + accounts.liabilities,
        "total_liabilities_cny": accounts.liabilities,
        "long_term_debt_cny": accounts.long_term_debt,
        "book_equity_cny": accounts.book,
        "shareholder_count": accounts.holders,
    }
    period, stock = np.nonzero(exists)
    rows = {name: values[period, stock] for name, values in columns.items()}
    known_date = known[period, stock]
    again = _restated(known_date, final[stock], universe.days, rng)
    factor = np.where(rng.random(len(again[0])) < 0.5, 0.9, 1.1)
    rows = {name: np.concatenate([v, v[again[0]]]) for name, v in rows.items()}
    rows["net_profit_cny"][len(period) :] *= factor
    rows["return_on_equity"] = rows["net_profit_cny"] / rows["book_equity_cny"]
    rows["return_on_assets"] = rows["net_profit_cny"] / rows["total_assets_cny"]
    debt, assets = rows["total_liabilities_cny"], rows["total_assets_cny"]
    rows["debt_to_assets"] = debt / assets
    period = np.concatenate([period, period[again[0]]])
    stock = np.concatenate([stock, stock[again[0]]])
    return raw_table(
        "fundamental",
        {
            "security_code": text_column(universe.code, stock),
            "period_end": accounts.period_end[period],
            "known_date": np.concatenate([known_date, again[1]]),
            **{name: _rounded(name, values) for name, values in rows.items()},
        },
    )


def _rounded(name: str, values: Floats) -> Floats:
    """Round money to the cent and ratios to six digits, as reports do."""
    return np.round(values, 2 if name.endswith("_cny") else 6)


def _restated(
    known: Dates, final: Dates, days: Dates, rng: np.random.Generator
) -> tuple[Integers, Dates]:
    """Choose rows that are restated and the trading days on which that is known."""
    chosen = rng.random(len(known)) < RESTATED_SHARE
    chosen &= known >= days[0]
    rows = np.flatnonzero(chosen)
    index = np.searchsorted(days, known[rows]) + rng.integers(40, 120, len(rows))
    inside: Booleans = index < len(days)
    rows, index = rows[inside], index[inside]
    date = days[index]
    alive = date < final[rows]
    return rows[alive], np.asarray(date[alive])


def corporate_action_table(
    universe: Universe, paths: Paths, events: CapitalEvents
) -> pa.Table:
    """Return the ex-rights days of the written period."""
    first = universe.first
    cash = np.nan_to_num(paths.cash_dividend[first:])
    bonus, rights = events.bonus[first:], events.rights[first:]
    day, stock = np.nonzero((cash > 0) | (bonus > 0) | (rights > 0))
    ex_date = universe.days[day + first]
    return raw_table(
        "corporate_action",
        {
            "security_code": text_column(universe.code, stock),
            "ex_date": ex_date,
            "announce_date": ex_date - np.timedelta64(8, "D"),
            "cash_dividend_cny": cash[day, stock],
            "bonus_share_ratio": bonus[day, stock],
            "rights_share_ratio": rights[day, stock],
            "rights_price_cny": paths.rights_price[first:][day, stock],
        },
    )
