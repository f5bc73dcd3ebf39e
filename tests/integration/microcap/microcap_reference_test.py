"""The micro-cap suite against a market that is walked day by day in numpy.

A random market with ties, suspensions, new listings, delistings, special treatment and
limit-up opens is put where the panel stands, and the models are built on it. Add a test
when a table of the suite gets a formula; keep hand-computed panels out, they are dbt
unit tests, and keep the reference free of what the SQL does: it knows loops and lists.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest

from tests.dbt_process import run_dbt

DAYS = 330
STOCKS = 120
RATIOS = [percent / 100 for percent in range(110, 89, -1)]
LOOKBACKS = range(20, 9, -1)
HORIZON = 10
COST = 0.003
MINIMUM = {"microcap400": 30, "000300.SH": 10}
INDICES = {
    "microcap400": (40, "total", ("main", "chinext", "star", "beijing"), True, 0),
    "microcap400_float": (35, "float", ("main", "star"), False, 5),
}
MINIMUM_MEMBERS = 20
TOLERANCE = 1e-9
MODELS = (
    "int_microcap_member",
    "int_microcap_position",
    "int_microcap_monthly_growth",
    "int_microcap_index_daily",
    "int_index_member",
    "int_basket_member",
    "int_basket_count_daily",
    "int_basket_return_daily",
    "int_basket_diffusion_daily",
    "int_timing_state_daily",
    "int_timing_return_daily",
    "int_timing_measured_daily",
    "int_timing_measured_weekly",
    "int_signal_outlook",
    "int_diffusion_timing_state_daily",
    "fct_microcap_member",
    "fct_microcap_index_daily",
    "fct_microcap_diffusion_daily",
    "fct_microcap_critical_grid",
    "fct_microcap_signal",
    "fct_signal_outlook",
    "fct_microcap_timing_daily",
    "fct_microcap_timing_performance",
    "fct_diffusion_timing_daily",
    "mart_microcap_dashboard",
)
TABLES = (
    "microcap.fct_microcap_member",
    "microcap.fct_microcap_index_daily",
    "microcap.fct_microcap_diffusion_daily",
    "microcap.fct_microcap_critical_grid",
    "microcap.fct_microcap_signal",
    "microcap.fct_signal_outlook",
    "microcap.fct_microcap_timing_daily",
    "microcap.fct_microcap_timing_performance",
    "diffusion.fct_diffusion_timing_daily",
    "bi.mart_microcap_dashboard",
)


@dataclass(frozen=True, eq=False)
class Market:
    """Arrays over days and stocks; NaN or false where a stock is not listed."""

    days: list[dt.date]
    codes: list[str]
    boards: list[str]
    listed: np.ndarray
    listed_days: np.ndarray
    suspended: np.ndarray
    close: np.ndarray
    daily: np.ndarray
    overnight: np.ndarray
    intraday: np.ndarray
    total_cap: np.ndarray
    float_cap: np.ndarray
    special: np.ndarray
    limit_up: np.ndarray
    limit_down: np.ndarray
    index_member: np.ndarray
    index_close: np.ndarray

    def __len__(self) -> int:
        """Return the number of days."""
        return len(self.days)


def make_days() -> list[dt.date]:
    """Make trading days: with a week of a single day and one without any."""
    weekdays = [day.date() for day in pd.bdate_range("2021-01-04", periods=DAYS + 30)]
    closed = {
        day
        for day in weekdays
        if dt.date(2021, 5, 4) <= day <= dt.date(2021, 5, 14)
        or dt.date(2021, 10, 1) <= day <= dt.date(2021, 10, 7)
    }
    return [day for day in weekdays if day not in closed][:DAYS]


def make_market(seed: int = 7) -> Market:
    """Make prices in coarse steps, so that they tie, with spells of suspension."""
    rng = np.random.default_rng(seed)
    shape = (DAYS, STOCKS)
    first = np.where(np.arange(STOCKS) % 4 == 0, rng.integers(1, 200, STOCKS), 0)
    # On the first days the index is too small.
    first[28:] = np.maximum(first[28:], 6)
    last = np.where(np.arange(STOCKS) % 13 == 5, rng.integers(150, 320, STOCKS), DAYS)
    day = np.arange(DAYS)[:, None]
    listed = (day >= first) & (day < last)
    suspended = np.zeros(shape, dtype=bool)
    for stock in range(STOCKS):
        for start in np.flatnonzero(rng.random(DAYS) < 0.012):
            suspended[start : start + rng.integers(1, 25), stock] = True
    # Nothing trades on one day.
    suspended[240] = True
    # Waves that take the diffusion index from one end to the other.
    drift = 0.02 * np.sin(np.arange(DAYS) / 14)
    close = np.full(shape, np.nan)
    daily, overnight, intraday = (np.zeros(shape) for _ in range(3))
    for stock in range(STOCKS):
        price = float(rng.integers(10, 40))
        for t in range(first[stock], last[stock]):
            before = price
            if t == first[stock]:
                suspended[t, stock] = False
                daily[t, stock] = np.nan
            elif not suspended[t, stock]:
                opened = max(1.0, round(price * (1 + rng.normal(0, 0.01)), 1))
                moved = 1 + drift[t] + rng.normal(0, 0.02)
                price = max(1.0, round(opened * moved, 1))
                daily[t, stock] = price / before - 1
                overnight[t, stock] = opened / before - 1
                intraday[t, stock] = price / opened - 1
            close[t, stock] = price
    suspended &= listed
    shares = rng.integers(1, 6, STOCKS) * 100.0
    total_cap = close * shares
    total_cap[:, 3] = np.nan
    float_cap = total_cap * rng.choice([0.5, 0.75], STOCKS)
    special = np.zeros(shape, dtype=bool)
    for stock in range(1, STOCKS, 9):
        start = int(rng.integers(0, DAYS))
        special[start : start + 60, stock] = True
    open_limit = rng.random(shape)
    index_member = listed & (rng.random(STOCKS) < 0.2) & ((day // 60 + 1) % 5 > 0)
    index_close = 100 * np.exp(np.cumsum(rng.normal(0, 0.012, DAYS) + drift / 2))
    index_close[[50, 170, 171]] = np.nan
    return Market(
        days=make_days(),
        codes=[f"{600000 + stock}.SH" for stock in rng.permutation(STOCKS)],
        boards=[("main", "chinext", "star", "beijing")[i % 4] for i in range(STOCKS)],
        listed=listed,
        listed_days=np.where(first == 0, 500, 0) + day - first + 1,
        suspended=suspended,
        close=close,
        daily=daily,
        overnight=overnight,
        intraday=intraday,
        total_cap=total_cap,
        float_cap=float_cap,
        special=special & listed,
        limit_up=listed & ~suspended & (open_limit < 0.04),
        limit_down=listed & ~suspended & (open_limit > 0.96),
        index_member=index_member,
        index_close=index_close,
    )


def ranges(flags: np.ndarray) -> Iterator[tuple[int, int]]:
    """Yield the first day and the day after the last of each run of true."""
    edge = np.diff(np.r_[0, flags.astype(int), 0])
    yield from zip(np.flatnonzero(edge == 1), np.flatnonzero(edge == -1), strict=True)


def write_market(con: duckdb.DuckDBPyConnection, market: Market) -> None:
    """Put the market where the panel, the calendar and the sources stand."""
    days = market.days
    day, stock = np.nonzero(market.listed)
    panel = pd.DataFrame(
        {
            "trade_date": [days[t] for t in day],
            "security_code": [market.codes[s] for s in stock],
            "day_index": day.astype(np.int32) + 1,
            "board": [market.boards[s] for s in stock],
            "listed_days": market.listed_days[day, stock].astype(np.int32),
            "is_suspended": market.suspended[day, stock],
            "adjusted_close": market.close[day, stock],
            "daily_return": market.daily[day, stock],
            "overnight_return": market.overnight[day, stock],
            "intraday_return": market.intraday[day, stock],
            "total_cap_cny": market.total_cap[day, stock],
            "float_cap_cny": market.float_cap[day, stock],
            "is_st": market.special[day, stock],
            "opens_at_limit_up": market.limit_up[day, stock],
            "opens_at_limit_down": market.limit_down[day, stock],
        }
    )
    weeks = {d.isocalendar()[:2]: d for d in days}
    months = {(d.year, d.month): d for d in days}
    calendar = pd.DataFrame(
        {
            "trade_date": days,
            "day_index": range(1, len(days) + 1),
            "trade_week": [weeks[d.isocalendar()[:2]] for d in days],
            "is_month_end": [months[d.year, d.month] == d for d in days],
        }
    )
    special = pd.DataFrame(
        [
            (market.codes[s], days[a], days[b] if b < len(days) else None)
            for s in range(STOCKS)
            for a, b in ranges(market.special[:, s])
        ],
        columns=["security_code", "valid_from", "valid_to"],
    )
    member = pd.DataFrame(
        [
            (market.codes[s], days[a], days[b] if b < len(days) else None)
            for s in range(STOCKS)
            for a, b in ranges(market.index_member[:, s])
        ],
        columns=["security_code", "valid_from", "valid_to"],
    )
    security = pd.DataFrame(
        [
            (market.codes[s], days[b] if b < len(days) else None)
            for s in range(STOCKS)
            for _, b in ranges(market.listed[:, s])
        ],
        columns=["security_code", "delist_date"],
    )
    bar = pd.DataFrame({"trade_date": days, "close": market.index_close}).dropna()
    index = pd.DataFrame(
        [
            (code, code, code, n, f"{cap}_cap", "|".join(boards), st, held_back)
            for code, (n, cap, boards, st, held_back) in INDICES.items()
        ],
        columns=[
            "index_code", "name_cn", "name_en", "member_count", "cap", "boards",
            "is_st_excluded", "minimum_listed_days",
        ],
    )  # fmt: skip
    frames = {
        "panel": panel,
        "calendar": calendar,
        "special": special,
        "member": member,
        "security": security,
        "bar": bar,
        "micro": index,
    }
    for name, frame in frames.items():
        con.register(name, frame)
    con.execute(
        f"""
        create schema staging; create schema intermediate; create schema seeds;
        create schema raw;
        create table intermediate.int_trading_day as
        select
            trade_date::date as trade_date, day_index, trade_week::date as trade_week,
            is_month_end, true as is_loaded, true as is_week_complete
        from calendar;
        create table intermediate.int_security_day as
        select
            * replace (
                trade_date::date as trade_date,
                if(isnan(daily_return), null, daily_return) as daily_return,
                if(isnan(total_cap_cny), null, total_cap_cny) as total_cap_cny,
                if(isnan(float_cap_cny), null, float_cap_cny) as float_cap_cny
            )
        from panel order by hash(security_code, trade_date);
        create table intermediate.int_security_price_day as
        select trade_date, security_code from intermediate.int_security_day;
        create table intermediate.int_tradability_day as
        select trade_date, security_code, opens_at_limit_up, opens_at_limit_down
        from intermediate.int_security_day;
        create table intermediate.int_st_range as
        select
            security_code, valid_from::date as valid_from, valid_to::date as valid_to,
            true as is_st, false as is_delisting_period
        from special;
        create table staging.stg_index_member as
        select
            '000300.SH' as index_code, security_code,
            valid_from::date as valid_from, valid_to::date as valid_to
        from member;
        create table staging.stg_security as
        select security_code, delist_date::date as delist_date from security;
        create table staging.stg_index_bar as
        select '000300.SH' as index_code, trade_date::date as trade_date, close
        from bar;
        create table intermediate.int_industry_member (
            industry_system varchar, industry_code varchar, security_code varchar,
            valid_from date, valid_to date
        );
        create table intermediate.int_industry_return_daily (
            industry_system varchar, industry_code varchar, trade_date date,
            float_cap_return double
        );
        create table seeds.microcap_index as
        select *, {MINIMUM_MEMBERS} as minimum_members from micro;
        create table raw.check_result (run_id varchar);
        """
    )


@dataclass(frozen=True)
class Built:
    """A file with the models built on the market."""

    path: Path
    folder: Path

    def run(self, **variables: str) -> None:
        """Build the models, whole or by a window."""
        done = run_dbt(
            [
                *("run", "--select", *MODELS),
                *("--target-path", str(self.folder / "target")),
                *("--log-path", str(self.folder / "logs")),
            ],
            {
                "LUNDONG_BUILD_PATH": str(self.path),
                "LUNDONG_MEMORY_LIMIT": "1GB",
                "LUNDONG_THREADS": "2",
                **variables,
            },
        )
        assert done.returncode == 0, done.stdout[-4000:]

    def frame(self, query: str) -> pd.DataFrame:
        """Return the answer to a query; dates are dates."""
        with duckdb.connect(str(self.path), read_only=True) as con:
            frame: pd.DataFrame = con.execute(query).df()
        for column in frame:
            if str(frame[column].dtype).startswith("datetime"):
                frame[column] = frame[column].dt.date
        return frame

    def hashes(self) -> dict[str, Any]:
        """Return rows and content of every table."""
        with duckdb.connect(str(self.path), read_only=True) as con:
            return {
                table: con.execute(
                    f"select count(*), sum(hash(t)::hugeint) from {table} as t"
                ).fetchone()
                for table in TABLES
            }


@pytest.fixture(scope="module")
def market() -> Market:
    return make_market()


@pytest.fixture(scope="module")
def built(market: Market, tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("microcap")
    built = Built(folder / "build.duckdb", folder)
    with duckdb.connect(str(built.path)) as con:
        write_market(con, market)
    built.run()
    return built


@cache
def members_of(market: Market, code: str, t: int) -> list[int]:
    """Rank the eligible stocks of a day by cap and code."""
    count, cap, boards, excludes_st, held_back = INDICES[code]
    caps = market.total_cap if cap == "total" else market.float_cap
    eligible = [
        (caps[t, s], market.codes[s], s)
        for s in range(STOCKS)
        if market.listed[t, s]
        and not math.isnan(caps[t, s])
        and market.boards[s] in boards
        and market.listed_days[t, s] > held_back
        and not (excludes_st and market.special[t, s])
    ]
    return [s for _, _, s in sorted(eligible)[:count]]


@cache
def index_history(market: Market, code: str) -> list[dict[str, Any]]:
    """Walk an index through the days: returns, holdings, weights."""
    rows: list[dict[str, Any]] = []
    before: list[int] = []
    held: set[int] = set()
    basket: dict[int, float] = {}
    value = 1.0
    for t in range(len(market)):
        members = members_of(market, code, t)
        row: dict[str, Any] = {
            "member_count": len(members),
            "new_member_count": len(set(members) - set(before)),
            "left_member_count": len(set(before) - set(members)),
            "suspended_count": sum(market.suspended[t, s] for s in members),
        }
        here = market.listed[t]
        growth = {s: 1 + (market.daily[t, s] if here[s] else 0.0) for s in before}
        held_before = set(held)
        for s in set(before):
            if here[s] and not market.suspended[t, s] and not market.limit_up[t, s]:
                held.add(s)
        for s in held_before - set(before):
            open_to_sell = not market.suspended[t, s] and not market.limit_down[t, s]
            if not here[s] or open_to_sell:
                held.remove(s)
        row["held_count"] = len(held)
        if not members and not before:
            reason = "no_market_cap"
        elif not before:
            reason = "first_day"
        elif len(before) < MINIMUM_MEMBERS:
            reason = "too_few_members"
        elif not any(here[s] and not market.suspended[t, s] for s in before):
            reason = "all_suspended"
        elif not held and not held_before:
            reason = "nothing_held"
        else:
            reason = None
        row["null_reason"] = reason
        if before:
            row["unfillable_share"] = sum(s not in held for s in before) / len(before)
        if before and members:
            total = sum(growth.values())
            weights = {s: growth[s] / total for s in before}
            target = dict.fromkeys(members, 1 / len(members))
            row["turnover"] = sum(
                abs(target.get(s, 0.0) - weights.get(s, 0.0))
                for s in {*target, *weights}
            )
        if reason in {None, "nothing_held"}:
            row["index_return"] = float(np.mean(list(growth.values()))) - 1
            if "turnover" in row:
                row["cost"] = row["turnover"] * COST / 2
                row["net_return"] = (1 + row["index_return"]) * (1 - row["cost"]) - 1
        if reason is None:
            night = [market.overnight[t, s] if here[s] else 0.0 for s in held_before]
            light = [market.intraday[t, s] if here[s] else 0.0 for s in held]
            row["tradable_return"] = (1 + (np.mean(night) if night else 0.0)) * (
                1 + (np.mean(light) if light else 0.0)
            ) - 1
        if basket:
            for s in basket:
                if here[s] and not math.isnan(market.daily[t, s]):
                    basket[s] *= 1 + market.daily[t, s]
            now = float(np.mean(list(basket.values())))
            if len(basket) >= MINIMUM_MEMBERS:
                row["monthly_rebalanced_return"] = now / value - 1
            value = now
        ends = t + 1 < len(market) and market.days[t + 1].month != market.days[t].month
        if ends and members:
            basket, value = dict.fromkeys(members, 1.0), 1.0
        rows.append(row)
        before = members
    level = monthly = tradable = math.nan
    for t, row in enumerate(rows):
        if math.isnan(level) and row["member_count"] >= MINIMUM_MEMBERS:
            level = tradable = 1000.0
        level *= 1 + row.get("index_return", 0.0)
        tradable *= 1 + row.get("tradable_return", 0.0)
        monthly *= 1 + row.get("monthly_rebalanced_return", 0.0)
        next_row = rows[t + 1] if t + 1 < len(rows) else {}
        if math.isnan(monthly) and "monthly_rebalanced_return" in next_row:
            monthly = 1000.0
        row["index_level"], row["tradable_level"] = level, tradable
        row["monthly_rebalanced_level"] = monthly
        if "index_return" in row and "monthly_rebalanced_return" in row:
            row["rebalancing_drag"] = (
                row["monthly_rebalanced_return"] - row["index_return"]
            )
        row["trade_date"] = market.days[t]
    return rows


def texts(column: pd.Series) -> list[str | None]:
    """Return a column of texts with None for NULL."""
    return [None if pd.isna(value) else value for value in column]


def same_numbers(found: pd.Series, expected: pd.Series) -> None:
    """Compare two columns; NULL where the other has NULL."""
    left = found.to_numpy(dtype=float)
    right = expected.to_numpy(dtype=float)
    np.testing.assert_allclose(left, right, rtol=TOLERANCE, atol=TOLERANCE)


def test_members(market: Market, built: Built) -> None:
    found = built.frame(
        "select * from intermediate.int_microcap_member "
        "order by index_code, trade_date, market_cap_rank"
    )
    for code in INDICES:
        rows = found[found["index_code"] == code]
        by_day = dict(iter(rows.groupby("trade_date")))
        before: set[str] = set()
        for t, day in enumerate(market.days):
            expected = [market.codes[s] for s in members_of(market, code, t)]
            shown = by_day[day]
            assert shown["security_code"].tolist() == expected
            new = [name not in before for name in expected]
            assert shown["is_new"].tolist() == new
            before = set(expected)
    published = built.frame(
        "select trade_date, security_code from microcap.fct_microcap_member"
    )
    assert len(published) == (found["index_code"] == "microcap400").sum()


def test_the_market_holds_what_the_tests_are_for(built: Built) -> None:
    """Ties of caps at the edge, reasons, both actions of all machines."""
    reasons = built.frame(
        "select distinct null_reason from microcap.fct_microcap_index_daily"
    )
    assert {"first_day", "too_few_members", "all_suspended"} <= set(
        reasons["null_reason"]
    )
    reasons = built.frame(
        "select distinct null_reason from microcap.fct_microcap_diffusion_daily"
    )
    assert {"no_members", "too_few_members", "all_suspended"} <= set(
        reasons["null_reason"]
    )
    signals = built.frame(
        "select distinct method, action from microcap.fct_microcap_signal"
    )
    assert len(signals) == 6
    ties = built.frame(
        "select count(*) as ties from ("
        "select trade_date from intermediate.int_microcap_member "
        "group by index_code, trade_date, market_cap_cny having count(*) > 1)"
    )
    assert ties["ties"].item() > 100


@pytest.mark.parametrize("code", INDICES)
def test_index(market: Market, built: Built, code: str) -> None:
    found = built.frame(
        f"select * from microcap.fct_microcap_index_daily "
        f"where index_code = '{code}' order by trade_date"
    )
    expected = pd.DataFrame(index_history(market, code))
    assert found["trade_date"].tolist() == expected["trade_date"].tolist()
    assert texts(found["null_reason"]) == texts(expected["null_reason"])
    for column in expected.columns.difference(["trade_date", "null_reason"]):
        same_numbers(found[column], expected[column])
    assert (found["unfillable_share"] > 0).sum() > 50
    assert (found["held_count"] > found["member_count"]).any()


def basket_members(market: Market, code: str, t: int) -> list[int]:
    if code == "000300.SH":
        return list(np.flatnonzero(market.index_member[t]))
    return members_of(market, code, t)


def grid_row(market: Market, members: list[int], t: int, lag: int) -> list[float]:
    """Return the cells of one lookback and, last, how many members it compares."""
    if t < lag:
        return [math.nan] * len(RATIOS) + [0]
    now, then = market.close[t, members], market.close[t - lag, members]
    known = ~np.isnan(then)
    count = int(known.sum())
    cells = [
        float((ratio * now[known] > then[known]).sum()) / count if count else math.nan
        for ratio in RATIOS
    ]
    return [*cells, count]


@dataclass(frozen=True)
class Diffusion:
    """Diffusion index of a basket by day; NaN where there is none."""

    first: int
    values: list[float]
    fast: list[float]
    slow: list[float]
    reasons: list[str | None]


def moving(values: list[float], days: int) -> list[float]:
    """Mean of the last values that are none of them missing; NaN until full."""
    out, seen = [], []
    for value in values:
        if math.isnan(value):
            out.append(math.nan)
            continue
        seen.append(value)
        full = len(seen) >= days
        out.append(math.fsum(seen[-days:]) / days if full else math.nan)
    return out


@cache
def diffusion_of(market: Market, code: str) -> Diffusion:
    values: list[float] = []
    reasons: list[str | None] = []
    first = next(t for t in range(len(market)) if basket_members(market, code, t))
    for t in range(first, len(market)):
        members = basket_members(market, code, t)
        cells = grid_row(market, members, t, 20)
        if not members:
            reasons.append("no_members")
        elif cells[-1] < MINIMUM[code]:
            reasons.append("too_few_members")
        elif all(market.suspended[t, s] for s in members):
            reasons.append("all_suspended")
        else:
            reasons.append(None)
        values.append(cells[10] if reasons[-1] is None else math.nan)
    return Diffusion(first, values, moving(values, 10), moving(values, 26), reasons)


@pytest.mark.parametrize("code", MINIMUM)
def test_diffusion_and_its_averages(market: Market, built: Built, code: str) -> None:
    found = built.frame(
        f"select * from microcap.fct_microcap_diffusion_daily "
        f"where index_code = '{code}' order by trade_date"
    )
    expected = diffusion_of(market, code)
    assert found["trade_date"].tolist() == market.days[expected.first :]
    same_numbers(found["diffusion_index"], pd.Series(expected.values))
    same_numbers(found["fast_average"], pd.Series(expected.fast))
    same_numbers(found["slow_average"], pd.Series(expected.slow))
    assert texts(found["null_reason"]) == expected.reasons


@pytest.mark.parametrize("code", MINIMUM)
def test_every_cell_of_the_grid(market: Market, built: Built, code: str) -> None:
    found = built.frame(
        f"select * from microcap.fct_microcap_critical_grid "
        f"where index_code = '{code}' "
        f"order by trade_date, lookback_days desc, price_ratio desc"
    )
    cells: list[float] = []
    days: list[dt.date] = []
    for t, day in enumerate(market.days):
        members = basket_members(market, code, t)
        if not members:
            continue
        days.append(day)
        still = all(market.suspended[t, s] for s in members)
        for lag in LOOKBACKS:
            *row, count = grid_row(market, members, t, lag)
            is_null = count < MINIMUM[code] or still
            cells += [math.nan] * len(RATIOS) if is_null else row
    assert found["trade_date"].drop_duplicates().tolist() == days
    assert set(found["price_ratio"]) == set(RATIOS)
    same_numbers(found["diffusion_index"], pd.Series(cells))


Machine = Callable[[float, float, float, float, bool], bool]


def is_above(average: float, other: float) -> bool:
    """Tell averages apart that are equal but for their rounding."""
    return not math.isclose(average, other, abs_tol=1e-12) and average > other


def first_threshold(d: float, _p: float, _f: float, _s: float, full: bool) -> bool:
    if full:
        return not d > 0.9
    return d < 0.1


def delayed_threshold(d: float, p: float, _f: float, _s: float, full: bool) -> bool:
    if full:
        return not (p >= 0.9 and d < 0.9)
    return p <= 0.1 and d > 0.1


def dual_moving_average(_d: float, _p: float, f: float, s: float, full: bool) -> bool:
    return full if math.isnan(s) else is_above(f, s)


MACHINES: dict[str, Machine] = {
    "first_threshold": first_threshold,
    "delayed_threshold": delayed_threshold,
    "dual_moving_average": dual_moving_average,
}


def states_of(diffusion: Diffusion, machine: Machine) -> list[tuple[int, bool, bool]]:
    """Return day, state before and state after, of the days with an index."""
    out = []
    full, p = True, math.nan
    for i, d in enumerate(diffusion.values):
        if math.isnan(d):
            continue
        before = full
        full = machine(d, p, diffusion.fast[i], diffusion.slow[i], full)
        out.append((diffusion.first + i, before, full))
        p = d
    return out


@pytest.mark.parametrize("code", MINIMUM)
@pytest.mark.parametrize("method", MACHINES)
def test_signals(market: Market, built: Built, code: str, method: str) -> None:
    found = built.frame(
        f"select trade_date, action from microcap.fct_microcap_signal "
        f"where index_code = '{code}' and method = '{method}' order by trade_date"
    )
    expected = [
        (market.days[t], "enter" if after else "exit")
        for t, before, after in states_of(diffusion_of(market, code), MACHINES[method])
        if before != after
    ]
    assert list(found.itertuples(index=False, name=None)) == expected


def index_returns(market: Market, code: str) -> list[float]:
    if code == "000300.SH":
        closes = list(market.index_close)
        pairs = zip([math.nan, *closes], closes, strict=False)
        return [close / last - 1 for last, close in pairs]
    rows = index_history(market, code)
    return [row.get("index_return", math.nan) for row in rows]


def timed(
    market: Market, code: str, states: dict[int, bool], closes: int
) -> list[tuple[dt.date, int, float, float]]:
    """Walk cash and index through the days: day, position, return, cost."""
    returns = index_returns(market, code)
    after: list[bool | None] = []
    for t in range(len(market)):
        after.append(states.get(t, after[-1] if after else None))
    out: list[tuple[dt.date, int, float, float]] = []
    former: int | None = None
    unbooked = 0
    for t in range(closes + 1, len(market)):
        state = after[t - 1 - closes]
        if state is None:
            continue
        position = int(state)
        unbooked += 0 if former is None else abs(position - former)
        is_known = not math.isnan(returns[t])
        cost = unbooked * COST / 2 if is_known else 0.0
        unbooked = 0 if is_known else unbooked
        value = (1 - cost) * (1 + position * returns[t]) - 1
        out.append((market.days[t], position, value, cost))
        former = position
    return out


@pytest.mark.parametrize("code", MINIMUM)
@pytest.mark.parametrize("method", MACHINES)
@pytest.mark.parametrize(("variant", "closes"), [("tradable", 1), ("paper", 0)])
def test_timing(
    market: Market, built: Built, code: str, method: str, variant: str, closes: int
) -> None:
    found = built.frame(
        f"select * from microcap.fct_microcap_timing_daily where index_code = '{code}' "
        f"and method = '{method}' and variant = '{variant}' order by trade_date"
    )
    states = states_of(diffusion_of(market, code), MACHINES[method])
    expected = timed(market, code, {t: after for t, _, after in states}, closes)
    assert found["trade_date"].tolist() == [row[0] for row in expected]
    assert found["position"].tolist() == [row[1] for row in expected]
    same_numbers(found["strategy_return"], pd.Series([row[2] for row in expected]))
    same_numbers(found["cost"], pd.Series([row[3] for row in expected]))
    performance = built.frame(
        f"select * from microcap.fct_microcap_timing_performance where "
        f"index_code = '{code}' and method = '{method}' and variant = '{variant}' "
        f"and period = 'all'"
    )
    returns = np.array([row[2] for row in expected])
    returns = returns[~np.isnan(returns)]
    value = np.cumprod(1 + returns)
    drawdown = 1 - value / np.maximum.accumulate(np.r_[1.0, value])[1:]
    annual = value[-1] ** (242 / len(returns)) - 1
    volatility = returns.std(ddof=1) * math.sqrt(242)
    same_numbers(
        performance[["total_return", "max_drawdown", "sharpe"]].iloc[0],
        pd.Series([value[-1] - 1, drawdown.max(), annual / volatility]),
    )


@pytest.mark.parametrize("code", MINIMUM)
def test_outlook(market: Market, built: Built, code: str) -> None:
    found = built.frame(
        f"select * from microcap.fct_signal_outlook where index_code = '{code}' "
        f"order by trade_date, price_ratio desc, method"
    )
    diffusion = diffusion_of(market, code)
    history: list[float] = []
    states = {
        method: {t: after for t, _, after in states_of(diffusion, machine)}
        for method, machine in MACHINES.items()
    }
    expected: list[tuple[float, str | None, str | None]] = []
    for i, value in enumerate(diffusion.values):
        if math.isnan(value):
            continue
        history.append(value)
        t = diffusion.first + i
        members = basket_members(market, code, t)
        now = market.close[t, members]
        for ratio in RATIOS:
            path = []
            for n in range(1, HORIZON + 1):
                then = market.close[t + n - 20, members]
                known = ~np.isnan(then)
                above = ratio ** (n / HORIZON) * now[known] > then[known]
                path.append(float(above.sum()) / int(known.sum()))
            walked = history[-26:] + path
            past = len(walked) - HORIZON
            fast, slow = moving(walked, 10), moving(walked, 26)
            for method in sorted(MACHINES):
                state = states[method][t]
                days: float = math.nan
                for n in range(1, HORIZON + 1):
                    at = past + n - 1
                    after = MACHINES[method](
                        walked[at], walked[at - 1], fast[at], slow[at], state
                    )
                    if after != state:
                        days = n
                        break
                action = None if math.isnan(days) else "exit" if state else "enter"
                short = method == "dual_moving_average" and math.isnan(slow[-1])
                reason = "average_too_short" if short else "no_signal_on_path"
                expected.append((days, action, reason if action is None else None))
    same_numbers(found["days_to_signal"], pd.Series([row[0] for row in expected]))
    for place, column in ((1, "action"), (2, "null_reason")):
        assert texts(found[column]) == [row[place] for row in expected]
    assert (found["action"] == "enter").sum() > 20
    assert (found["action"] == "exit").sum() > 20


def share_of(market: Market, code: str, t: int, days: int, threshold: float) -> float:
    """Float-cap share of the members that grew by more than a threshold."""
    members = [
        s
        for s in basket_members(market, code, t)
        if not math.isnan(market.float_cap[t, s])
        and t >= days
        and not math.isnan(market.close[t - days, s])
    ]
    trades = any(not market.suspended[t, s] for s in basket_members(market, code, t))
    if math.isnan(threshold) or len(members) < MINIMUM[code] or not trades:
        return math.nan
    weights = market.float_cap[t, members]
    then = market.close[t - days, members]
    above = market.close[t, members] > then * threshold
    return float(weights[above].sum() / weights.sum())


@pytest.mark.parametrize("code", MINIMUM)
@pytest.mark.parametrize("method", ["diffusion", "relative_strength"])
def test_timing_by_two_lines(
    market: Market, built: Built, code: str, method: str
) -> None:
    found = built.frame(
        f"select * from diffusion.fct_diffusion_timing_daily "
        f"where index_code = '{code}' and method = '{method}' order by trade_date"
    )
    carried = pd.Series(market.index_close).ffill().to_numpy()
    shares = []
    for t in range(len(market)):
        if method == "diffusion":
            shares.append(share_of(market, code, t, 100, 1.0))
        else:
            growth = carried[t] / carried[t - 20] if t >= 20 else math.nan
            shares.append(share_of(market, code, t, 20, growth))
    if method == "diffusion":
        fast = moving(shares, 80)
        slow = moving(fast, 35)
    else:
        fast, slow = moving(shares, 10), moving(shares, 20)
    states = {
        t: is_above(fast[t], slow[t])
        for t in range(len(market))
        if not math.isnan(slow[t])
    }
    expected = timed(market, code, states, 1)
    assert len(expected) == len(found)
    if not expected:
        assert code == "000300.SH"
        return
    assert found["trade_date"].tolist() == [row[0] for row in expected]
    assert found["position"].tolist() == [row[1] for row in expected]
    same_numbers(found["strategy_return"], pd.Series([row[2] for row in expected]))
    at = [market.days.index(row[0]) for row in expected]
    lines = [slow[t] for t in at]
    same_numbers(found["slow_average"], pd.Series(lines))


def test_windows_and_order_leave_every_bit(market: Market, built: Built) -> None:
    """Other order of rows, another thread count, and the last third by a window."""
    whole = built.hashes()
    cut = market.days[222]
    with duckdb.connect(str(built.path)) as con:
        for name in ("int_security_day", "int_tradability_day", "int_st_range"):
            con.execute(
                f"create or replace table intermediate.{name} as "
                f"select * from intermediate.{name} order by hash(security_code, 5)"
            )
    built.run(LUNDONG_THREADS="1")
    assert built.hashes() == whole
    with duckdb.connect(str(built.path)) as con:
        for name in (
            "int_microcap_member",
            "int_microcap_position",
            "int_microcap_monthly_growth",
            "int_basket_count_daily",
            "int_signal_outlook",
        ):
            con.execute(
                f"delete from intermediate.{name} where trade_date >= date '{cut}'"
            )
    built.run(LUNDONG_BUILD_FROM=cut.isoformat())
    assert built.hashes() == whole
