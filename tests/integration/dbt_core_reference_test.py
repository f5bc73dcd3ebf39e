"""The dbt core against an independent reference, and against itself built otherwise.

A random market with ties, gaps, suspensions, ex-rights days, late listings, delistings
and reclassifications is built by dbt and computed again in numpy. Add a test when a
core table gets a formula; keep hand-computed panels out, they are dbt unit tests.
"""

from __future__ import annotations

import datetime as dt
import shutil
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from tests.dbt_process import run_dbt
from warehouse.build_window import build_window, record_build
from warehouse.settings import PROJECT_ROOT
from warehouse.store import create_raw_tables

pytestmark = pytest.mark.long(80)

DBT_PROJECT = PROJECT_ROOT / "dbt_project"
DAY_COUNT = 300
STOCK_COUNT = 44
CUT = 262
PANELS = {
    "intermediate.int_security_day": ("trade_date", "security_code"),
    "core.fct_tradability_daily": ("trade_date", "security_code"),
    "industry.fct_industry_return_daily": (
        "trade_date",
        "industry_system",
        "industry_code",
    ),
    "industry.fct_industry_benchmark_daily": ("trade_date", "industry_system"),
    "industry.fct_industry_coverage_daily": ("trade_date", "industry_system"),
    "diffusion.fct_diffusion_index_daily": (
        "trade_date",
        "industry_system",
        "industry_code",
        "variant",
    ),
    "diffusion.fct_diffusion_index_weekly": (
        "trade_week",
        "industry_system",
        "industry_code",
        "variant",
    ),
    "industry.fct_industry_return_weekly": (
        "trade_week",
        "industry_system",
        "industry_code",
    ),
}


@dataclass(frozen=True)
class Market:
    """Raw tables of a random market; ``days`` are its trading days."""

    days: list[dt.date]
    raw: dict[str, pd.DataFrame]


def make_market(seed: int = 11) -> Market:
    rng = np.random.default_rng(seed)
    weekdays = pd.bdate_range("2021-01-04", periods=DAY_COUNT + 60)
    holidays = set(rng.choice(len(weekdays), size=14, replace=False))
    open_days = [d.date() for i, d in enumerate(weekdays) if i not in holidays]
    days = open_days[:DAY_COUNT]
    bars, shares, members, securities = [], [], [], []
    boards = ["main", "chinext", "star", "beijing"]
    for stock in range(STOCK_COUNT):
        code = f"{600000 + stock}.SH"
        first = 0 if stock % 3 else int(rng.integers(0, 120))
        last = DAY_COUNT if stock % 11 else int(rng.integers(200, DAY_COUNT - 5))
        securities.append(
            {
                "security_code": code,
                "name": code,
                "board": boards[stock % 4],
                "list_date": days[first] - dt.timedelta(days=0 if first else 900),
                "delist_date": days[last] if last < DAY_COUNT else None,
            }
        )
        price, factor = float(rng.integers(5, 40)), 1.0
        halted_until = -1
        for day in range(first, last):
            if rng.random() < 0.01:
                halted_until = day + int(rng.integers(1, 30))
            if day > first and day <= halted_until:
                # Some vendors give a flat bar without volume, some give none.
                if stock % 2:
                    bars.append(
                        (
                            code,
                            days[day],
                            price,
                            price,
                            price,
                            price,
                            0.0,
                            None,
                            factor,
                            None,
                        )
                    )
                continue
            if rng.random() < 0.01:
                price, factor = round(price / 2, 2), factor * 2
            # Coarse steps make ties, and some returns of exactly zero.
            opening = max(1.0, round(price * (1 + rng.normal(0, 0.01)), 1))
            close = max(1.0, round(opening * (1 + rng.normal(0, 0.02)), 1))
            volume = float(rng.integers(1, 1000)) * 100
            turnover = volume / (3e6 + 1e5 * stock) if stock % 5 == 1 else None
            amount = volume * (opening + close) / 2 if stock % 2 else None
            bars.append(
                (
                    code,
                    days[day],
                    opening,
                    max(opening, close),
                    min(opening, close),
                    close,
                    volume,
                    amount,
                    factor,
                    turnover,
                )
            )
            price = close
        if stock % 5 != 4:
            for day in sorted(rng.choice(DAY_COUNT, size=3, replace=False)):
                total = float(rng.integers(10, 90)) * 1e5
                shares.append(
                    {
                        "security_code": code,
                        "valid_from": days[day] - dt.timedelta(days=1),
                        "total_shares": total,
                        "float_shares": total * 0.6 if stock % 5 == 2 else None,
                    }
                )
        for system, count in (("citic1", 6), ("shenwan1", 4)):
            prefix = "CI00500" if system == "citic1" else "80100"
            moved = days[int(rng.integers(100, 280))]
            old, new = rng.integers(1, count + 1, size=2)
            spans = [(int(old), dt.date(2020, 1, 2), moved), (int(new), moved, None)]
            for industry, valid_from, valid_to in spans[: 2 if stock % 6 == 0 else 1]:
                members.append(
                    {
                        "security_code": code,
                        "industry_system": system,
                        "industry_code": f"{prefix}{industry}",
                        "valid_from": valid_from,
                        "valid_to": valid_to if stock % 6 == 0 else None,
                    }
                )
    bar_columns = [
        "security_code",
        "trade_date",
        "open_cny",
        "high_cny",
        "low_cny",
        "close_cny",
        "volume_shares",
        "amount_cny",
        "adjust_factor",
        "turnover_ratio",
    ]
    calendar = pd.DataFrame({"calendar_date": open_days, "is_open": True})
    raw = {
        "trading_calendar": calendar,
        "security": pd.DataFrame(securities),
        "daily_bar": pd.DataFrame(bars, columns=bar_columns),
        "share_capital": pd.DataFrame(shares),
        "industry_member": pd.DataFrame(members),
    }
    return Market(days, raw)


def load_market(path: Path, market: Market, *, shuffled: bool = False) -> None:
    with duckdb.connect(str(path)) as con:
        create_raw_tables(con)
        for name, table in market.raw.items():
            rows = table.sample(frac=1, random_state=5) if shuffled else table
            con.register("frame", rows.assign(load_id=1))
            con.execute(f"insert into raw.{name} by name select * from frame")
            con.unregister("frame")


def build(path: Path, **variables: object) -> None:
    arguments = [
        "--no-use-colors", "--quiet", "build",
        "--resource-type", "model", "--resource-type", "seed",
        "--select", "+marts.core", "+marts.industry", "+marts.diffusion",
        "--exclude", "dim_strategy+",
        "--target-path", str(path.parent / "target"),
        "--log-path", str(path.parent / "logs"),
    ]  # fmt: skip
    given = {f"LUNDONG_{name.upper()}": str(value) for name, value in variables.items()}
    done = run_dbt(arguments, {**given, "LUNDONG_BUILD_PATH": str(path)})
    assert done.returncode == 0, done.stdout


def fetch(path: Path, table: str, condition: str = "true") -> pd.DataFrame:
    order = ", ".join(PANELS[table])
    with duckdb.connect(str(path), read_only=True) as con:
        query = f"select * from {table} where {condition} order by {order}"
        return con.execute(query).df()


@pytest.fixture(scope="module")
def market() -> Market:
    return make_market()


@pytest.fixture(scope="module")
def built(market: Market, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("whole") / "build.duckdb"
    load_market(path, market)
    build(path)
    return path


@dataclass(frozen=True)
class Reference:
    """Dense arrays [day, stock]; NaN before the first trade and after delisting."""

    codes: list[str]
    adjusted_close: np.ndarray
    adjusted_open: np.ndarray
    total_cap: np.ndarray
    float_cap: np.ndarray


@pytest.fixture(scope="module")
def reference(market: Market) -> Reference:
    codes = list(market.raw["security"]["security_code"])
    day_number = {day: i for i, day in enumerate(market.days)}
    shape = (len(market.days), len(codes))
    close, opening, volume = (np.full(shape, np.nan) for _ in range(3))
    factor, turnover = np.full(shape, np.nan), np.full(shape, np.nan)
    for bar in market.raw["daily_bar"].itertuples():
        at = day_number[bar.trade_date], codes.index(bar.security_code)
        factor[at] = bar.adjust_factor
        if bar.volume_shares > 0:
            close[at], opening[at] = bar.close_cny, bar.open_cny
            volume[at], turnover[at] = bar.volume_shares, bar.turnover_ratio
    shares = market.raw["share_capital"].sort_values("valid_from")
    result = {
        name: np.full(shape, np.nan) for name in ("close", "open", "total", "float")
    }
    for s, security in enumerate(market.raw["security"].itertuples()):
        first = int(np.flatnonzero(~np.isnan(close[:, s]))[0])
        end = day_number.get(security.delist_date, len(market.days))
        known = shares[shares.security_code == security.security_code]
        reported_float = known[known.float_shares.notna()]
        adjusted = estimate = np.nan
        for t in range(first, end):
            if not np.isnan(close[t, s]):
                adjusted = close[t, s] * factor[t, s]
                if turnover[t, s] > 0:
                    window = slice(max(0, t - 20), t + 1)
                    ratios = volume[window, s] / turnover[window, s]
                    estimate = float(np.nanmedian(ratios))
            basis = factor[: t + 1, s][~np.isnan(factor[: t + 1, s])][-1]
            price = close[t, s]
            if np.isnan(price):
                price = round(adjusted / basis, 4)
            day = market.days[t]
            totals = known[known.valid_from <= day].total_shares
            total = totals.iloc[-1] if len(totals) else np.nan
            floats = reported_float[reported_float.valid_from <= day].float_shares
            if len(floats):
                floating = floats.iloc[-1]
            elif not np.isnan(estimate):
                floating = estimate
            else:
                floating = total
            result["close"][t, s] = adjusted
            result["open"][t, s] = (
                opening[t, s] * factor[t, s] if close[t, s] > 0 else np.nan
            )
            result["total"][t, s] = total * price
            result["float"][t, s] = np.fmin(floating, total) * price
    return Reference(
        codes, result["close"], result["open"], result["total"], result["float"]
    )


def members(market: Market, reference: Reference, t: int) -> pd.DataFrame:
    table = market.raw["industry_member"]
    day = market.days[t]
    valid_to = table.valid_to.fillna(dt.date(9999, 12, 31))
    held = table[(table.valid_from <= day) & (valid_to > day)].copy()
    held["stock"] = [reference.codes.index(code) for code in held.security_code]
    return held


def test_diffusion_index_equals_numpy(
    market: Market, reference: Reference, built: Path
) -> None:
    table = fetch(built, "diffusion.fct_diffusion_index_daily")
    got = {
        (row.variant, row.trade_date.date(), row.industry_system, row.industry_code): (
            row.diffusion_index,
            row.member_count,
        )
        for row in table.itertuples()
    }
    price = reference.adjusted_close
    weights = {
        "default": (220, reference.float_cap),
        "roc220_total_cap": (220, reference.total_cap),
        "roc220_equal": (220, np.ones_like(price)),
        "roc1_equal": (1, np.ones_like(price)),
    }
    compared = counted = 0
    for t in range(len(market.days)):
        held = members(market, reference, t)
        for (system, industry), group in held.groupby(
            ["industry_system", "industry_code"]
        ):
            stocks = group.stock.to_numpy()
            stocks = stocks[~np.isnan(price[t, stocks])]
            for variant, (lag, weight) in weights.items():
                key = (variant, market.days[t], system, industry)
                if len(stocks) == 0:
                    assert key not in got
                    continue
                past = price[t - lag, stocks] if t >= lag else np.nan * stocks
                known = ~np.isnan(past) & ~np.isnan(weight[t, stocks])
                value, count = got[key]
                assert count == known.sum()
                compared += 1
                if known.sum() < 3:
                    assert np.isnan(value)
                    continue
                cap = weight[t, stocks][known]
                up = price[t, stocks][known] > past[known]
                assert value == pytest.approx(cap[up].sum() / cap.sum(), abs=1e-12)
                counted += 1
    assert compared == sum(table.variant.isin(list(weights)))
    assert counted > 1000


def test_moving_average_variant_equals_numpy(
    market: Market, reference: Reference, built: Path
) -> None:
    table = fetch(
        built, "diffusion.fct_diffusion_index_daily", "variant = 'ma220_float_cap'"
    ).dropna(subset="diffusion_index")
    assert len(table) > 100
    price, cap = reference.adjusted_close, reference.float_cap
    for row in table.itertuples():
        t = market.days.index(row.trade_date.date())
        held = members(market, reference, t)
        held = held[
            (held.industry_system == row.industry_system)
            & (held.industry_code == row.industry_code)
        ]
        stocks = held.stock.to_numpy()
        window = price[t - 219 : t + 1][:, stocks]
        known = ~np.isnan(window).any(axis=0) & ~np.isnan(cap[t, stocks])
        # Compared in units of 1e-6, as prices of a constant series must tie.
        up = np.round(price[t, stocks] * 1e6) * 220 > np.round(window * 1e6).sum(axis=0)
        weight = np.where(known, cap[t, stocks], 0)
        assert row.diffusion_index == pytest.approx(
            weight[up].sum() / weight.sum(), abs=1e-12
        )


def test_industry_returns_equal_numpy(
    market: Market, reference: Reference, built: Path
) -> None:
    table = fetch(built, "industry.fct_industry_return_daily").set_index(
        ["trade_date", "industry_system", "industry_code"]
    )
    price = reference.adjusted_close
    seen = weighted = 0
    for t in range(1, len(market.days)):
        held = members(market, reference, t)
        for (system, industry), group in held.groupby(
            ["industry_system", "industry_code"]
        ):
            stocks = group.stock.to_numpy()
            stocks = stocks[~np.isnan(price[t, stocks] / price[t - 1, stocks])]
            if len(stocks) == 0:
                continue
            row = table.loc[(pd.Timestamp(market.days[t]), system, industry)]
            returns = price[t, stocks] / price[t - 1, stocks] - 1
            opening = np.where(
                np.isnan(reference.adjusted_open[t, stocks]),
                price[t, stocks],
                reference.adjusted_open[t, stocks],
            )
            night = opening / price[t - 1, stocks] - 1
            assert row.member_count == len(stocks)
            assert row.equal_weight_return == pytest.approx(returns.mean(), abs=1e-12)
            seen += 1
            cap = reference.float_cap[t - 1, stocks]
            known = ~np.isnan(cap)
            if not known.any():
                assert np.isnan(row.float_cap_return)
                continue
            weighted += 1
            weight = cap[known] / cap[known].sum()
            assert row.float_cap_return == pytest.approx(
                weight @ returns[known], abs=1e-12
            )
            assert row.overnight_return == pytest.approx(
                weight @ night[known], abs=1e-12
            )
            assert (1 + row.overnight_return) * (
                1 + row.intraday_return
            ) == pytest.approx(1 + row.float_cap_return, abs=1e-12)
    assert seen == len(table)
    assert weighted > 1000


def assert_same(left: pd.DataFrame, right: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(left, right, check_exact=True)


def test_shuffled_input_gives_the_same_tables(
    market: Market, built: Path, tmp_path: Path
) -> None:
    path = tmp_path / "build.duckdb"
    load_market(path, market, shuffled=True)
    build(path)
    for table in PANELS:
        assert_same(fetch(path, table), fetch(built, table))


def test_windows_equal_the_whole_and_the_past_does_not_change(
    market: Market, built: Path, tmp_path: Path
) -> None:
    path = tmp_path / "build.duckdb"
    load_market(path, market)
    cut = market.days[CUT]
    build(path, as_of_date=cut)
    for table, keys in PANELS.items():
        cut_short = fetch(path, table)
        assert len(cut_short) > 0
        assert_same(cut_short, fetch(built, table, f"{keys[0]} <= '{cut}'"))
    # The next days, as a weekly refresh adds them; then once more from an earlier day,
    # as a late correction would.
    for build_from in (market.days[CUT + 1], market.days[CUT - 60]):
        build(path, build_from=build_from)
        for table in PANELS:
            assert_same(fetch(path, table), fetch(built, table))


def add_load(
    path: Path, load_id: int, name: str, rows: pd.DataFrame, first_date: dt.date
) -> None:
    """Append rows as one load that touches the days from ``first_date`` on."""
    with duckdb.connect(str(path)) as con:
        con.register("frame", rows.assign(load_id=load_id))
        con.execute(f"insert into raw.{name} by name select * from frame")
        con.execute(
            "insert into raw.load values "
            "(?, 'test', 'test', 'h', ?, 'f', 'h', now(), ?, ?, 0, 0, ?, ?, 'loaded')",
            [load_id, name, len(rows), len(rows), first_date, first_date],
        )


def record_built(path: Path) -> None:
    """Record a finished build up to the market's last loaded day, as a refresh does."""
    with duckdb.connect(str(path)) as con:
        row = con.execute(
            "select max(trade_date) from intermediate.int_trading_day where is_loaded"
        ).fetchone()
        assert row is not None
        window = build_window(con, project_hash="same")
        record_build(con, window, build_id="first", as_of_date=row[0])


def assert_window_equals_whole(path: Path, *, first_date: dt.date) -> None:
    """Build what the loads since the last build touch, and all of it: no difference."""
    with duckdb.connect(str(path)) as con:
        window = build_window(con, project_hash="same")
    assert window.build_from == first_date - dt.timedelta(days=first_date.weekday())
    whole = path.parent / "whole" / "build.duckdb"
    whole.parent.mkdir()
    shutil.copy(path, whole)
    build(path, build_from=window.build_from)
    build(whole)
    for table in PANELS:
        assert_same(fetch(path, table), fetch(whole, table))


def test_days_of_a_few_stocks_become_days_of_the_market(
    market: Market, tmp_path: Path
) -> None:
    """Files of six stocks reach further than the market; then the others come too."""
    path = tmp_path / "build.duckdb"
    bars = market.raw["daily_bar"]
    ahead = market.days[CUT + 15]
    first_codes = sorted(bars.security_code.unique())[:6]
    is_first = (bars.trade_date <= market.days[CUT]) | (
        (bars.trade_date <= ahead) & bars.security_code.isin(first_codes)
    )
    load_market(path, Market(market.days, market.raw | {"daily_bar": bars[is_first]}))
    build(path)
    record_built(path)
    # The days between stay without the others' bars: they carry their prices.
    later = bars[bars.trade_date > ahead]
    add_load(path, 2, "daily_bar", later, later.trade_date.min())
    assert_window_equals_whole(path, first_date=market.days[CUT] + dt.timedelta(days=1))


def test_mixed_corrections_by_a_window_equal_the_whole(
    market: Market, built: Path, tmp_path: Path
) -> None:
    path = tmp_path / "build.duckdb"
    shutil.copy(built, path)
    record_built(path)
    days, bars = market.days, market.raw["daily_bar"]
    codes = sorted(bars.security_code.unique())
    corrected = bars[bars.trade_date == days[200]].copy()
    corrected["close_cny"] = (
        corrected[["open_cny", "high_cny", "low_cny"]].mean(axis=1).round(2)
    )
    corrected.loc[corrected.index[::4], "volume_shares"] = 0.0
    corrected["replaces_load_id"] = 1
    add_load(path, 2, "daily_bar", corrected, days[200])
    shares = pd.DataFrame(
        {
            "security_code": codes[:20],
            "valid_from": [days[180] - dt.timedelta(days=i) for i in range(20)],
            "total_shares": 5e6,
            "float_shares": [2e6 if i % 2 else None for i in range(20)],
        }
    )
    add_load(path, 3, "share_capital", shares, shares.valid_from.min())
    status = pd.DataFrame(
        {
            "security_code": codes[:8],
            "valid_from": days[190],
            "valid_to": days[250],
            "status": "ST",
        }
    )
    add_load(path, 4, "st_status", status, days[190])
    caps = pd.DataFrame(
        {
            "security_code": codes[:40],
            "period_end": days[150],
            "known_date": days[195],
            "market_cap_cny": 9e7,
        }
    )
    add_load(path, 5, "fundamental", caps, days[195])
    moved = pd.DataFrame(
        {
            "security_code": codes[1:12:2],
            "industry_system": "citic1",
            "industry_code": "CI005002",
            "valid_from": days[210],
        }
    )
    add_load(path, 6, "industry_member", moved, days[210])
    assert_window_equals_whole(path, first_date=shares.valid_from.min())


def test_a_membership_that_ends_rewrites_from_its_end(
    market: Market, built: Path, tmp_path: Path
) -> None:
    path = tmp_path / "build.duckdb"
    shutil.copy(built, path)
    record_built(path)
    end = market.days[230]
    members = market.raw["industry_member"]
    is_open = members["valid_to"].isna() & (members["valid_from"] < end)
    ended = members[is_open].iloc[::7].assign(valid_to=end, replaces_load_id=1)
    assert len(ended) > 5
    add_load(path, 2, "industry_member", ended, end)
    assert_window_equals_whole(path, first_date=end)
