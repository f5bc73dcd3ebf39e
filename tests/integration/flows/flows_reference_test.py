"""The flows against a market that is walked day by day in plain Python.

Made-up funds, margin balances and limit prices, with splits, payouts, holes and moves
between industries, are put where the raw tables and the panel stand, and the models are
built on them. Add a test when a table of the flows gets a formula; keep hand-computed
panels out, they are dbt unit tests, and keep the reference free of what the SQL does.
"""

from __future__ import annotations

import datetime as dt
import itertools
import math
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest

from tests.dbt_process import run_dbt

DAYS = 150
# The calendar goes on after the last loaded day, which lies inside a week.
LOADED = 133
SYSTEMS = ("citic1", "pool32", "shenwan1")
INDUSTRIES = {"citic1": ("CI1", "CI2", "CI3"), "shenwan1": ("SW1", "SW2")}
SPLIT_RATIO = 1.2
SPLIT_TOLERANCE = 0.005
SPLITS = [n / m for m in (1, 2) for n in range(m, 50)]
MARGIN_SHARE = 0.8
LISTING_DAYS = 5
TOLERANCE = 1e-9
MODELS = (
    "fct_etf_flow_daily",
    "fct_etf_flow_weekly",
    "fct_etf_flow_class_weekly",
    "int_margin_flow_daily",
    "fct_margin_flow_daily",
    "fct_margin_flow_weekly",
    "fct_limit_up_stock_daily",
    "fct_limit_up_daily",
)
# The fund that is another one with made-up splits put in, and that other one.
SPLIT_FUND, PLAIN_FUND = "F00", "F01"
# Splits whose factor moves a day after the shares, and a week before them.
LATE_FUND, EARLY_FUND = "F14", "F15"

Row = dict[str, Any]
Spans = dict[tuple[str, str], list[tuple[int, int, str]]]


@dataclass(frozen=True, eq=False)
class Market:
    """Days and what stands on them, keyed by code and number of the day."""

    days: list[dt.date]
    weeks: list[dt.date]
    shares: dict[tuple[str, int], float]
    bars: dict[tuple[str, int], Row]
    classes: dict[str, str | None]
    balances: dict[tuple[str, int], float | None]
    spans: Spans
    stocks: dict[str, int]
    panel: dict[tuple[str, int], Row]

    def industry(self, system: str, code: str, day: int) -> str | None:
        """Return the industry of a stock on a day."""
        for first, end, industry in self.spans.get((system, code), []):
            if first <= day < end:
                return industry
        return None

    def next_day(self, day: int) -> dt.date | None:
        """Return the trading day after, None at the calendar's end."""
        return self.days[day + 1] if day + 1 < len(self.days) else None

    def ends(self) -> list[tuple[int, int, list[int]]]:
        """Return last day of the week before, last day and days of complete weeks."""
        found = []
        last = None
        for _, group in itertools.groupby(range(DAYS), key=lambda t: self.weeks[t]):
            numbers = list(group)
            if last is not None and numbers[-1] < LOADED:
                found.append((last, numbers[-1], numbers))
            last = numbers[-1]
        return found


def make_days() -> list[dt.date]:
    """Make trading days with a week without any and a week of a single one."""
    weekdays = [day.date() for day in pd.bdate_range("2021-01-04", periods=DAYS + 9)]
    closed = {
        day
        for day in weekdays
        if dt.date(2021, 2, 8) <= day <= dt.date(2021, 2, 12)
        or dt.date(2021, 5, 4) <= day <= dt.date(2021, 5, 7)
    }
    return [day for day in weekdays if day not in closed]


def make_funds(
    rng: np.random.Generator,
) -> tuple[dict[tuple[str, int], float], dict[tuple[str, int], Row]]:
    """Make shares and bars of funds with splits, payouts and holes."""
    shares: dict[tuple[str, int], float] = {}
    bars: dict[tuple[str, int], Row] = {}
    for number in range(1, 14):
        code = f"F{number:02d}"
        value, held, factor = 1 + rng.random(), 1e6 * (1 + rng.random()), 1.0
        first = 40 if number % 5 == 0 else 0
        for t in range(first, DAYS):
            value *= 1 + rng.normal(0, 0.02)
            held *= 1 + (0.0 if rng.random() < 0.1 else rng.normal(0, 0.04))
            if number != 1 and rng.random() < 0.03:
                ratio = float(rng.choice([2.0, 3.0, 0.5, 1.25]))
                value, held = value / ratio, held * ratio
                # Some factors are off by more than rounding can be.
                factor *= ratio * (1 + rng.uniform(-0.008, 0.008))
            elif rng.random() < 0.05:
                # A payout moves the price and the factor, and no shares; one is large.
                paid = 0.3 if number == 7 else 0.01 + 0.07 * rng.random()
                value, factor = value * (1 - paid), factor / (1 - paid)
            if number == 9 and t == 70:
                held = 0.0
            if number == 9 and t == 80:
                held = 1e6
            if number < 3 or rng.random() > 0.04:
                shares[code, t] = float(round(held))
            if number < 3 or rng.random() > 0.03:
                bars[code, t] = {
                    "close": round(value * math.exp(0.004 * rng.normal()), 3),
                    "value": None
                    if number % 3 == 0 and rng.random() < 0.5
                    else round(value, 4),
                    "factor": None if number == 8 and rng.random() < 0.3 else factor,
                }
    for t in range(DAYS):
        ratio = 1.0 if t < 50 else 2.0 if t < 90 else 0.4
        held, bar = shares[PLAIN_FUND, t], bars[PLAIN_FUND, t]
        shares[SPLIT_FUND, t] = held * ratio
        bars[SPLIT_FUND, t] = {
            "close": bar["close"] / ratio,
            "value": bar["value"] / ratio,
            "factor": bar["factor"] * {1.0: 1.0, 2.0: 2.002, 0.4: 0.4001}[ratio],
        }
    for code in (EARLY_FUND, LATE_FUND):
        for t in range(60):
            shares[code, t] = 1e6 if t < 30 else 2e6
            jumps = 31 if code == LATE_FUND else 23
            bars[code, t] = {
                "close": 2.0 if t < jumps else 1.0,
                "value": None,
                "factor": 1.0 if t < jumps else 2.0,
            }
    return shares, bars


def make_market(seed: int = 11) -> Market:
    """Make everything from one seed."""
    rng = np.random.default_rng(seed)
    days = make_days()
    assert len(days) == DAYS
    last = {day.isocalendar()[:2]: day for day in days}
    shares, bars = make_funds(rng)
    codes = [f"S{number:02d}" for number in range(40)]
    spans: Spans = {}
    for system, code in itertools.product(INDUSTRIES, codes):
        if rng.random() < 0.1:
            continue
        cuts = sorted({0, *rng.integers(1, DAYS, 2).tolist(), DAYS})
        spans[system, code] = [
            (first, end, str(rng.choice(INDUSTRIES[system])))
            for first, end in itertools.pairwise(cuts)
            if rng.random() > 0.1
        ]
    balances: dict[tuple[str, int], float | None] = {}
    for code in codes[:25]:
        enters = int(rng.integers(0, 60)) if rng.random() < 0.3 else 0
        leaves = int(rng.integers(60, DAYS)) if rng.random() < 0.2 else DAYS
        balance = 1e8 * (1 + rng.random())
        for t in range(enters, leaves):
            balance *= 1 + rng.normal(0, 0.03)
            if rng.random() > 0.01:
                balances[code, t] = None if rng.random() < 0.01 else round(balance, 2)
    # One exchange is missing on two days, everything on a third.
    for code, t in itertools.product(codes, (44, 45, 73)):
        if t == 73 or int(code[1:]) % 2:
            balances.pop((code, t), None)
    for t in range(60, DAYS):
        if t != 84:
            balances["all", t] = round(5e9 * (1 + 0.1 * rng.random()), 2)
    stocks = {
        code: 0 if rng.random() < 0.7 else int(rng.integers(0, 60)) for code in codes
    }
    panel: dict[tuple[str, int], Row] = {}
    for code, listed in stocks.items():
        traded = 0
        special = bool(rng.random() < 0.1)
        for t in range(listed, DAYS):
            special ^= bool(rng.random() < 0.02)
            suspended = t > listed and bool(rng.random() < 0.1)
            traded += not suspended
            up = not suspended and bool(rng.random() < 0.45)
            panel[code, t] = {
                "traded_days": traded,
                # Two are older than the calendar.
                "listed_days": t - listed + (501 if code in {"S00", "S01"} else 1),
                "is_st": special,
                "up": up and t > 0,
                "down": not suspended and not up and bool(rng.random() < 0.2),
                "one_price": up and bool(rng.random() < 0.3),
                "limit": None if t == 0 or suspended else 10.0,
                "suspended": suspended,
            }
    return Market(
        days=days,
        weeks=[last[day.isocalendar()[:2]] for day in days],
        shares=shares,
        bars=bars,
        classes={
            f"F{n:02d}": None if n == 4 else ("broad", "tmt", "pharma")[n % 3]
            for n in range(13)
        },
        balances=balances,
        spans=spans,
        stocks=stocks,
        panel=panel,
    )


def write_market(con: duckdb.DuckDBPyConnection, market: Market) -> None:
    """Put the market where staging and the panel would stand."""
    days = market.days
    ends = sorted(set(market.weeks))
    before = dict(zip(ends[1:], ends, strict=False))
    tables: dict[str, tuple[str, list[tuple[Any, ...]]]] = {
        "intermediate.int_trading_day": (
            "trade_date date, next_trade_date date, trade_week date, "
            "previous_trade_week date, is_week_end boolean, is_week_complete boolean, "
            "is_loaded boolean",
            [
                (
                    *(day, market.next_day(t), week, before.get(week), day == week),
                    *(week <= days[LOADED - 1], t < LOADED),
                )
                for t, (day, week) in enumerate(zip(days, market.weeks, strict=True))
            ],
        ),
        "seeds.industry": (
            "industry_system varchar, industry_code varchar",
            [(system, "any") for system in SYSTEMS],
        ),
        "staging.stg_etf": (
            "etf_code varchar, etf_class varchar",
            list(market.classes.items()),
        ),
        "staging.stg_etf_share": (
            "etf_code varchar, trade_date date, total_shares double",
            [(code, days[t], held) for (code, t), held in market.shares.items()],
        ),
        "staging.stg_etf_bar": (
            "etf_code varchar, trade_date date, net_asset_value_cny double, "
            "close_cny double, adjust_factor double",
            [
                (code, days[t], bar["value"], bar["close"], bar["factor"])
                for (code, t), bar in market.bars.items()
            ],
        ),
        "staging.stg_margin_balance": (
            "security_code varchar, trade_date date, financing_balance_cny double",
            [(code, days[t], held) for (code, t), held in market.balances.items()],
        ),
        "intermediate.int_industry_member": (
            "security_code varchar, industry_system varchar, industry_code varchar, "
            "valid_from date, valid_to date",
            [
                (code, system, industry, days[first], days[end] if end < DAYS else None)
                for (system, code), spans in market.spans.items()
                for first, end, industry in spans
            ],
        ),
        "intermediate.int_tradability_day": (
            "trade_date date, security_code varchar, listed_days integer, "
            "limit_up_cny double, closes_at_limit_up boolean, "
            "closes_at_limit_down boolean, is_st boolean, is_one_price_limit boolean",
            [
                (
                    *(days[t], code, row["listed_days"], row["limit"], row["up"]),
                    *(row["down"], row["is_st"], row["one_price"]),
                )
                for (code, t), row in market.panel.items()
            ],
        ),
        "intermediate.int_security_day": (
            "trade_date date, security_code varchar, traded_days integer",
            [
                (days[t], code, row["traded_days"])
                for (code, t), row in market.panel.items()
            ],
        ),
        "intermediate.int_industry_member_count": (
            "industry_system varchar, industry_code varchar, trade_date date, "
            "listed_count bigint",
            [
                (system, industry, days[t], 1)
                for (system, industry, t) in sorted(member_days(market))
            ],
        ),
        "raw.check_result": (
            "run_id varchar, checked_at timestamptz, check_name varchar, "
            "table_name varchar, severity varchar, status varchar, "
            "failure_count bigint, message varchar",
            [],
        ),
    }
    rng = np.random.default_rng(5)
    for schema in sorted({name.split(".")[0] for name in tables}):
        con.execute(f"create schema {schema}")
    for name, (columns, rows) in tables.items():
        con.execute(f"create table {name} ({columns})")
        if rows:
            shuffled = [rows[i] for i in rng.permutation(len(rows))]
            names = con.table(name).columns
            con.register(
                "shuffled", pd.DataFrame(shuffled, columns=names, dtype=object)
            )
            con.execute(f"insert into {name} from shuffled")


def member_days(market: Market) -> set[tuple[str, str, int]]:
    """Return the industries that have a listed member, by day."""
    return {
        (system, industry, t)
        for (system, code), spans in market.spans.items()
        for first, end, industry in spans
        for t in range(max(first, market.stocks[code]), min(end, LOADED))
    }


@pytest.fixture(scope="module")
def market() -> Market:
    return make_market()


@pytest.fixture(scope="module")
def built(market: Market, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file with the flows built on the market."""
    folder = tmp_path_factory.mktemp("flows")
    path = folder / "build.duckdb"
    with duckdb.connect(str(path)) as con:
        write_market(con, market)
    done = run_dbt(
        [
            *("run", "--select", *MODELS),
            *("--target-path", str(folder / "target")),
            *("--log-path", str(folder / "logs")),
        ],
        {
            "LUNDONG_BUILD_PATH": str(path),
            "LUNDONG_MEMORY_LIMIT": "1GB",
            "LUNDONG_THREADS": "2",
        },
    )
    assert done.returncode == 0, done.stdout[-4000:]
    return path


def read(path: Path, table: str, key: tuple[str, ...]) -> dict[tuple[Any, ...], Row]:
    """Return the rows of a table by their key."""
    with duckdb.connect(str(path), read_only=True) as con:
        result = con.execute(f"from {table}")
        names = [item[0] for item in result.description or ()]
        rows = [dict(zip(names, row, strict=True)) for row in result.fetchall()]
    found = {tuple(row[name] for name in key): row for row in rows}
    assert len(found) == len(rows)
    return found


def assert_same(
    found: dict[tuple[Any, ...], Row], expected: dict[tuple[Any, ...], Row]
) -> None:
    """Compare all rows; numbers within a billionth of themselves or of a fen."""
    assert found.keys() == expected.keys()
    for key, wanted in expected.items():
        for name, value in wanted.items():
            if isinstance(value, float):
                assert found[key][name] == pytest.approx(
                    value, rel=TOLERANCE, abs=0.01
                ), (key, name)
            else:
                assert found[key][name] == value, (key, name)


def nearest_split(jump: float) -> float:
    """Return the split that a jump of the factor stands for, or the jump."""
    known = [*SPLITS, *(1 / ratio for ratio in SPLITS)]
    nearest = min(known, key=lambda ratio: abs(math.log(jump / ratio)))
    larger = max(jump, 1 / jump) / max(nearest, 1 / nearest)
    return nearest if abs(larger - 1) <= SPLIT_TOLERANCE else jump


def fund_days(market: Market) -> dict[tuple[str, int], Row]:
    """Walk every fund through its days with shares and bar."""
    rows: dict[tuple[str, int], Row] = {}
    former: dict[str, tuple[int, float, Row]] = {}
    for code, t in sorted(market.shares.keys() & market.bars.keys()):
        if t >= LOADED:
            continue
        held, bar = market.shares[code, t], market.bars[code, t]
        price = bar["close"] if bar["value"] is None else bar["value"]
        row: Row = {
            "known_date": market.next_day(t),
            "etf_class": market.classes.get(code) or "unclassified",
            "assets_cny": held * price,
            "price_cny": price,
            "price_source": "close" if bar["value"] is None else "net_asset_value",
            "is_adjusted": False,
            "net_inflow_cny": None,
            "daily_return": None,
            "split_ratio": None,
            "previous_date": None,
        }
        if code in former:
            t_before, held_before, bar_before = former[code]
            both = bar["factor"] is not None and bar_before["factor"] is not None
            jump = bar["factor"] / bar_before["factor"] if both else 1.0
            split = 1.0
            if (
                max(jump, 1 / jump) >= SPLIT_RATIO
                and held > 0
                and held_before > 0
                and abs(math.log(held / held_before / jump))
                < abs(math.log(held / held_before))
            ):
                split = nearest_split(jump)
            kind = "close" if None in (bar["value"], bar_before["value"]) else "value"
            row |= {
                "is_adjusted": both,
                "net_inflow_cny": (held - held_before * split) * price,
                "daily_return": bar[kind]
                / bar_before[kind]
                * (jump if split == 1 else split)
                - 1,
                "split_ratio": split,
                "previous_date": market.days[t_before],
            }
        rows[code, t] = row
        former[code] = (t, held, bar)
    return rows


def test_etf_flows_of_days(market: Market, built: Path) -> None:
    expected = fund_days(market)
    found = read(built, "flows.fct_etf_flow_daily", ("etf_code", "trade_date"))
    assert_same(found, {(c, market.days[t]): row for (c, t), row in expected.items()})
    splits = [row for row in expected.values() if row["split_ratio"] not in (None, 1.0)]
    assert len(splits) > 20
    # The large payouts are told from splits although they pass the ratio.
    assert {row["split_ratio"] for (c, _), row in expected.items() if c == "F01"} == {
        None,
        1.0,
    }


def fund_weeks(market: Market) -> dict[tuple[str, dt.date], Row]:
    """Sum the days of the weeks that have both ends."""
    daily = fund_days(market)
    rows: dict[tuple[str, dt.date], Row] = {}
    for code in sorted({code for code, _ in daily}):
        for before, end, numbers in market.ends():
            if (code, before) not in daily or (code, end) not in daily:
                continue
            week = [daily[code, t] for t in numbers if (code, t) in daily]
            start, last = daily[code, before], daily[code, end]
            sources = {row["price_source"] for row in (start, *week)}
            grown = last["price_cny"] / start["price_cny"]
            grown *= math.prod(row["split_ratio"] for row in week)
            rows[code, market.days[end]] = {
                "known_date": market.next_day(end),
                "etf_class": last["etf_class"],
                "net_inflow_cny": math.fsum(row["net_inflow_cny"] for row in week),
                "assets_previous_cny": start["assets_cny"],
                "assets_cny": last["assets_cny"],
                "weekly_return": math.prod(1 + row["daily_return"] for row in week) - 1,
                "identity_inflow_cny": last["assets_cny"] - start["assets_cny"] * grown,
                "day_count": len(week),
                "price_source": sources.pop() if len(sources) == 1 else "mixed",
                "is_adjusted": all(row["is_adjusted"] for row in week),
            }
    return rows


def test_etf_flows_of_weeks(market: Market, built: Path) -> None:
    expected = fund_weeks(market)
    assert_same(
        read(built, "flows.fct_etf_flow_weekly", ("etf_code", "trade_week")), expected
    )
    assert {row["price_source"] for row in expected.values()} == {
        *("net_asset_value", "close", "mixed")
    }


def test_etf_flows_of_classes(market: Market, built: Path) -> None:
    groups: dict[tuple[str, dt.date], list[Row]] = defaultdict(list)
    for (_, week), row in fund_weeks(market).items():
        groups[row["etf_class"], week].append(row)
    expected = {
        key: {
            "net_inflow_cny": math.fsum(row["net_inflow_cny"] for row in rows),
            "assets_cny": math.fsum(row["assets_cny"] for row in rows),
            "fund_count": len(rows),
            "weekly_return": float(
                np.average(
                    [row["weekly_return"] for row in rows],
                    weights=[row["assets_previous_cny"] for row in rows],
                )
            )
            if any(row["assets_previous_cny"] for row in rows)
            else None,
        }
        for key, rows in groups.items()
    }
    assert_same(
        read(built, "flows.fct_etf_flow_class_weekly", ("etf_class", "trade_week")),
        expected,
    )
    assert "unclassified" in {key[0] for key in expected}


def test_a_made_up_split_changes_nothing(built: Path) -> None:
    """F00 is F01 with a split 2 for 1 and, later, a consolidation 5 to 1."""
    with duckdb.connect(str(built), read_only=True) as con:
        for table, day in (
            ("fct_etf_flow_daily", "trade_date"),
            ("fct_etf_flow_weekly", "trade_week"),
        ):
            measured = ["net_inflow_cny", "assets_cny", "assets_previous_cny"]
            measured.append("daily_return" if day == "trade_date" else "weekly_return")
            if day == "trade_week":
                measured.append("identity_inflow_cny")
            differences = ", ".join(
                f"max(abs(split.{name} - plain.{name})) as {name}" for name in measured
            )
            found = con.execute(
                f"select count(*), {differences} from flows.{table} as split "
                f"inner join flows.{table} as plain using ({day}) "
                f"where split.etf_code = '{SPLIT_FUND}' "
                f"and plain.etf_code = '{PLAIN_FUND}'"
            ).fetchone()
            assert found is not None
            assert found[0] > 20
            assert max(found[1:]) < 1e-6
        splits = con.execute(
            "select split_ratio from flows.fct_etf_flow_daily "
            f"where etf_code = '{SPLIT_FUND}' and split_ratio <> 1 order by trade_date"
        ).fetchall()
    assert [row[0] for row in splits] == pytest.approx([2.0, 0.2])


def test_a_split_on_two_days_is_told(built: Path, tmp_path: Path) -> None:
    check = "assert_splits_move_shares_and_factor_on_one_day"
    done = run_dbt(
        [
            *("test", "--select", check, "--store-failures"),
            *("--target-path", str(tmp_path), "--log-path", str(tmp_path)),
        ],
        {"LUNDONG_BUILD_PATH": str(built), "LUNDONG_THREADS": "2"},
    )
    assert done.returncode == 0, done.stdout[-4000:]
    with duckdb.connect(str(built), read_only=True) as con:
        told = con.execute(
            "select check_name, status, failure_count from raw.check_result"
        ).fetchall()
        found = con.execute(f"from dbt_test__audit.{check}").fetchall()
    assert told == [(check, "warn", 1)]
    days = make_days()
    assert [row[:3] for row in found] == [(LATE_FUND, days[31], days[30])]
    assert found[0][3:] == pytest.approx((2.0, 2.0, 1.0))


def margin_days(market: Market) -> dict[tuple[str, str, int, str], Row]:
    """Walk the margin days: balances and changes by system, industry, day, source."""
    of_day: dict[int, dict[str, float]] = defaultdict(dict)
    for (code, t), balance in market.balances.items():
        if balance is not None and t < LOADED:
            of_day[t][code] = balance
    rows: dict[tuple[str, str, int, str], Row] = {}
    largest, former, reported = 0, None, None
    for t in sorted(of_day):
        here = {code: value for code, value in of_day[t].items() if code != "all"}
        if "all" in of_day[t]:
            for system in SYSTEMS:
                change = (
                    None
                    if reported is None
                    else of_day[t]["all"] - of_day[reported]["all"]
                )
                rows[system, "all", t, "reported"] = {
                    "balance": of_day[t]["all"],
                    "change": change,
                    "count": None,
                    "previous": reported,
                }
            reported = t
        largest = max(largest, len(here))
        if not here or len(here) < MARGIN_SHARE * largest:
            continue
        there = {} if former is None else of_day[former]
        there = {code: value for code, value in there.items() if code != "all"}
        for system in SYSTEMS:
            sums: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0, 0])
            for code in here.keys() | there.keys():
                for name in ("all", market.industry(system, code, t)):
                    if name is not None:
                        sums[name][0] += here.get(code, 0.0)
                        sums[name][1] += here.get(code, 0.0) - there.get(code, 0.0)
                        sums[name][2] += code in here
            for name, (balance, change, count) in sums.items():
                rows[system, name, t, "securities"] = {
                    "balance": balance,
                    "change": None if former is None else change,
                    "count": count,
                    "previous": former,
                }
        former = t
    return rows


def chosen(rows: dict[tuple[Any, ...], Row]) -> dict[tuple[Any, ...], Row]:
    """Keep the reported figure where there is one; the source ends the key."""
    kept: dict[tuple[Any, ...], Row] = {}
    for key in sorted(rows, key=lambda key: key[-1], reverse=True):
        kept[key[:-1]] = rows[key] | {"source": key[-1]}
    return kept


def test_margin_flows_of_days(market: Market, built: Path) -> None:
    expected = {
        (system, name, market.days[t]): {
            "known_date": market.next_day(t),
            "previous_date": None
            if row["previous"] is None
            else market.days[row["previous"]],
            "financing_balance_change_cny": row["change"],
            "financing_balance_cny": row["balance"],
            "security_count": row["count"],
            "balance_source": row["source"],
        }
        for (system, name, t), row in chosen(margin_days(market)).items()
    }
    found = read(
        built,
        "flows.fct_margin_flow_daily",
        ("industry_system", "industry_code", "trade_date"),
    )
    assert_same(found, expected)
    dates = {key[2] for key in found if found[key]["balance_source"] == "securities"}
    # The days with half of the securities are no margin days, whatever is reported.
    assert not dates & {market.days[t] for t in (44, 45, 73)}
    assert market.days[46] in dates


def test_margin_flows_of_weeks(market: Market, built: Path) -> None:
    daily = margin_days(market)
    weekly: dict[tuple[Any, ...], Row] = {}
    for before, end, numbers in market.ends():
        keys = {(s, n, k) for s, n, t, k in daily if t in numbers}
        for system, name, source in keys:
            if (system, "all", before, source) not in daily:
                continue
            if (system, "all", end, source) not in daily:
                continue
            week = [
                daily[system, name, t, source]
                for t in numbers
                if (system, name, t, source) in daily
            ]
            last = daily.get((system, name, end, source))
            weekly[system, name, end, source] = {
                "change": math.fsum(row["change"] for row in week),
                "balance": last["balance"] if last else 0.0,
                "days": len(week),
            }
    expected = {
        (system, name, market.days[end]): {
            "known_date": market.next_day(end),
            "financing_balance_change_cny": row["change"],
            "financing_balance_cny": row["balance"],
            "day_count": row["days"],
            "balance_source": row["source"],
        }
        for (system, name, end), row in chosen(weekly).items()
    }
    assert {row["balance_source"] for row in expected.values()} == {
        *("reported", "securities")
    }
    found = read(
        built,
        "flows.fct_margin_flow_weekly",
        ("industry_system", "industry_code", "trade_week"),
    )
    assert_same(found, expected)


def limit_up_runs(market: Market) -> dict[tuple[str, int], Row]:
    """Walk every stock through its traded days and count its limit-up runs."""
    rows: dict[tuple[str, int], Row] = {}
    for code, listed in market.stocks.items():
        run, start, is_listing = 0, 0, False
        for t in range(listed, LOADED):
            row = market.panel[code, t]
            if row["suspended"]:
                continue
            if not row["up"] or row["is_st"]:
                run = 0
                continue
            if run == 0:
                start = t
                is_listing = row["listed_days"] <= LISTING_DAYS
            run += 1
            rows[code, t] = {
                "run_days": run,
                "run_start_date": market.days[start],
                "is_listing_run": is_listing,
                "is_one_price_limit": row["one_price"],
            }
    return rows


def test_limit_up_runs(market: Market, built: Path) -> None:
    expected = limit_up_runs(market)
    assert max(row["run_days"] for row in expected.values()) > 3
    assert any(row["is_listing_run"] for row in expected.values())
    found = read(
        built, "flows.fct_limit_up_stock_daily", ("security_code", "trade_date")
    )
    assert_same(found, {(c, market.days[t]): row for (c, t), row in expected.items()})


def test_limit_up_counts(market: Market, built: Path) -> None:
    expected: dict[tuple[Any, ...], Row] = {}
    names = {(s, n, market.days[t]) for s, n, t in member_days(market) if t > 0}
    names |= {(s, "all", market.days[t]) for s in SYSTEMS for t in range(1, LOADED)}
    for name in names:
        expected[name] = dict.fromkeys(
            (
                *("limit_up_count", "limit_down_count", "longest_run"),
                *("first_day_count", "second_day_count", "third_day_count"),
                "later_day_count",
            ),
            0,
        )
    runs = limit_up_runs(market)
    for (code, t), row in market.panel.items():
        if t >= LOADED or row["is_st"]:
            continue
        is_new = row["listed_days"] <= LISTING_DAYS
        run = runs.get((code, t))
        for system in SYSTEMS:
            for industry in {"all", market.industry(system, code, t)} - {None}:
                key = (system, industry, market.days[t])
                if run is not None and not run["is_listing_run"]:
                    counts = expected[key]
                    counts["limit_up_count"] += 1
                    counts["longest_run"] = max(counts["longest_run"], run["run_days"])
                    place = ("first", "second", "third", "later")[
                        min(run["run_days"], 4) - 1
                    ]
                    counts[f"{place}_day_count"] += 1
                if row["down"] and not is_new and t > 0:
                    expected[key]["limit_down_count"] += 1
    found = read(
        built,
        "flows.fct_limit_up_daily",
        ("industry_system", "industry_code", "trade_date"),
    )
    assert_same(found, expected)
    assert max(row["later_day_count"] for row in expected.values()) > 0
