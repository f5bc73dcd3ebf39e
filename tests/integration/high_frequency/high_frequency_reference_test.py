"""The high-frequency factors in SQL against numpy, on a random market with all traps.

Bars of 1, 5 and 15 minutes, gaps, bars without volume, ties, constants, auction bars,
lunch, days of a few bars, missing amounts and trade counts, and a few stocks with
trades and orders. Add a trap to ``make_bars``; keep the formulas in ``reference``.
"""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from tests.dbt_process import run_dbt
from tests.integration.high_frequency.reference import (
    FACTORS,
    bar_factors,
    order_factors,
    trade_factors,
)
from warehouse.store import create_raw_tables

DAYS = pd.to_datetime(["2024-03-07", "2024-03-08", "2024-03-11"])
LENGTHS = (1, 5, 15)
MODELS = (
    *("stg_minute_bar", "stg_trade_tick", "stg_order_tick", "int_minute_bar"),
    *("int_high_frequency_bar_daily", "int_high_frequency_trade_daily"),
    *("int_high_frequency_order_daily", "int_high_frequency_factor_daily"),
    "fct_high_frequency_factor_daily",
)
TABLE = "factors.fct_high_frequency_factor_daily"
KEYS = ["trade_date", "security_code"]
RELATIVE = 1e-9


def bar_times(day: pd.Timestamp, minutes: int) -> pd.DatetimeIndex:
    """Return the ends of the bars, an auction bar and one after hours among them."""
    ends = np.arange(minutes, 241, minutes)
    clock = np.r_[565, 570 + ends + 90 * (ends > 120), 905]
    return day + pd.to_timedelta(clock, unit="min")


def make_bars(rng: np.random.Generator) -> pd.DataFrame:
    """Return bars of 40 stocks with everything that upsets a factor."""
    frames = []
    for stock in range(40):
        minutes = LENGTHS[stock % 3]
        for number, day in enumerate(DAYS):
            times = bar_times(day, minutes)
            n = len(times)
            step = rng.choice([-0.02, -0.01, 0.0, 0.0, 0.01, 0.01, 0.03], n)
            close = np.round(np.maximum(rng.uniform(2, 60) + step.cumsum(), 0.5), 2)
            opened = np.round(np.r_[close[0], close[:-1]] + rng.choice([0, 0.01], n), 2)
            volume = rng.integers(1, 400, n) * 100.0
            volume[rng.random(n) < 0.1] = 0.0
            frame = pd.DataFrame(
                {
                    "security_code": f"{600000 + stock}.SH",
                    "bar_time": times,
                    "bar_minutes": minutes,
                    "open_cny": opened,
                    "high_cny": np.round(np.maximum(opened, close) + 0.01, 2),
                    "low_cny": np.round(np.minimum(opened, close), 2),
                    "close_cny": close,
                    "volume_shares": volume,
                    "amount_cny": np.round(volume * (opened + close) / 2, 2),
                    "trade_count": np.maximum(volume // 700, 1.0),
                }
            )
            frame = upset(frame, stock, number, rng)
            frames.append(frame)
    return pd.concat(frames, ignore_index=True)


def upset(
    frame: pd.DataFrame, stock: int, number: int, rng: np.random.Generator
) -> pd.DataFrame:
    """Return the bars of a stock's day with what its number stands for."""
    prices = ["open_cny", "high_cny", "low_cny", "close_cny"]
    match stock:
        case 3 | 4 | 5:  # gaps
            frame = frame[rng.random(len(frame)) > 0.4]
        case 6 | 7:  # a price that never moves: sealed at its limit
            frame = frame.assign(**dict.fromkeys(prices, 9.99), amount_cny=None)
        case 9 | 10:  # the same volume and amount in every bar
            frame = frame.assign(volume_shares=300.0, amount_cny=3003.0)
        case 12 | 13:  # no trade count is loaded, or not for all bars
            frame = frame.assign(
                trade_count=np.where(rng.random(len(frame)) < 0.5, 0, 3)
            )
        case 15 | 16 | 17:
            frame = frame.assign(trade_count=np.nan)
        case 18 | 19:  # no amount is loaded
            frame = frame.assign(amount_cny=np.nan)
        case 21 | 22 | 23:  # suspended, but for some bars
            frame = frame.iloc[[1, 2, -3, -2][: 1 + number]]
        case 24 | 25:  # suspended on the second day, flat bars on the third
            frame = frame[:0] if number == 1 else frame
            frame = frame.assign(volume_shares=0.0) if number == 2 else frame
        case 27 | 28:  # trades in the morning only
            frame = frame[frame["bar_time"].dt.hour < 12]
        case 30 | 31:  # a jump of one bar, as of a false price
            frame = frame.copy()
            frame.loc[frame.index[20 % len(frame)], ["close_cny", "high_cny"]] = 900.0
        case _:
            pass
    return frame


def make_trades(rng: np.random.Generator) -> pd.DataFrame:
    """Return trades of ten stocks, some of them at the very ends of the sessions."""
    frames = []
    for stock in range(10):
        for day in DAYS[: 1 + stock % 3]:
            n = int(rng.choice([3, 40, 900])) if stock else 900
            second = np.sort(rng.integers(0, 14400, n))
            second = np.r_[second, 7200, 7200, 14400, 14400]
            after_lunch = np.r_[second[:n] >= 7200, False, True, True, True]
            clock = 34200 + second + 5400 * after_lunch
            clock[0] = 33900  # the auction
            frames.append(
                pd.DataFrame(
                    {
                        "security_code": f"{600000 + stock}.SH",
                        "trade_time": day
                        + pd.to_timedelta(clock, unit="s")
                        + pd.to_timedelta(
                            rng.integers(0, 2, len(clock)) * 0, unit="ms"
                        ),
                        "trade_number": np.arange(len(clock)),
                        "price_cny": np.round(
                            10 + rng.choice([-0.01, 0, 0.01], len(clock)).cumsum(), 2
                        ).clip(1),
                        "volume_shares": rng.integers(1, 90, len(clock)) * 100.0,
                        "side": rng.choice(["buy", "sell", "unknown"], len(clock)),
                        "buy_order": rng.integers(0, n // 2 + 1, len(clock)),
                        "sell_order": rng.integers(0, n // 2 + 1, len(clock)),
                    }
                )
            )
    trades = pd.concat(frames, ignore_index=True)
    orders = trades[["buy_order", "sell_order"]].astype("Int64")
    orders[trades["security_code"] == "600004.SH"] = pd.NA
    return trades.assign(**orders)


def make_orders(trades: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Return orders at the times of the trades, some of them at the market."""
    price = trades["price_cny"] + rng.choice([-0.02, 0.0, 0.05], len(trades))
    orders = pd.DataFrame(
        {
            "security_code": trades["security_code"],
            "order_time": trades["trade_time"],
            "order_number": trades["trade_number"],
            "price_cny": price.round(2).where(rng.random(len(trades)) > 0.1),
            "volume_shares": rng.integers(1, 300, len(trades)) * 100.0,
            "side": rng.choice(["buy", "sell"], len(trades)),
        }
    )
    return orders[orders["security_code"] != "600002.SH"]


def write_store(path: Path, tables: dict[str, pd.DataFrame]) -> None:
    """Create a builder's file whose lake tables are those given, rows shuffled."""
    with duckdb.connect(str(path)) as con:
        create_raw_tables(con)
        for name, frame in tables.items():
            rows = frame.sample(frac=1, random_state=3)
            con.register("rows_in", rows)
            con.execute(f"drop view raw.{name}")
            con.execute(
                f"create table raw.{name} as select *, 1::bigint as load_id, "
                "null::bigint as replaces_load_id from rows_in"
            )
            con.unregister("rows_in")


def build(path: Path) -> None:
    """Build the factors of a file."""
    arguments = ["run", "--select", *MODELS]
    arguments += ["--target-path", str(path.parent / "target")]
    arguments += ["--log-path", str(path.parent / "logs")]
    done = run_dbt(
        arguments,
        {
            "LUNDONG_BUILD_PATH": str(path),
            "LUNDONG_MEMORY_LIMIT": "2GB",
            "LUNDONG_THREADS": "2",
        },
    )
    assert done.returncode == 0, done.stdout[-4000:]


def by_day(
    frame: pd.DataFrame, time: str
) -> dict[tuple[str, pd.Timestamp], pd.DataFrame]:
    """Return the rows of each stock and day."""
    groups = frame.groupby(["security_code", frame[time].dt.normalize()])
    return {(str(code), day): rows for (code, day), rows in groups}


def expected_factors(
    bars: pd.DataFrame, trades: pd.DataFrame, orders: pd.DataFrame
) -> pd.DataFrame:
    """Return the factors of every stock and day by the reference."""
    ticks = {
        "trade_source": (by_day(trades, "trade_time"), trade_factors),
        "order_source": (by_day(orders, "order_time"), order_factors),
    }
    rows = []
    for (code, day), own in by_day(bars, "bar_time").items():
        values = bar_factors(own)
        if not values:
            continue
        row = {"trade_date": day, "security_code": code, **values}
        for source, (groups, factors) in ticks.items():
            found = factors(groups[code, day]) if (code, day) in groups else {}
            row |= found | {source: "tick" if found else "minute_proxy"}
        rows.append(row)
    return pd.DataFrame(rows).sort_values(KEYS, ignore_index=True)


@pytest.fixture(scope="module")
def market() -> dict[str, pd.DataFrame]:
    rng = np.random.default_rng(20240311)
    bars, trades = make_bars(rng), make_trades(rng)
    return {
        "minute_bar": bars,
        "trade_tick": trades,
        "order_tick": make_orders(trades, rng),
    }


@pytest.fixture(scope="module")
def built(
    market: dict[str, pd.DataFrame], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    path = tmp_path_factory.mktemp("high_frequency") / "build.duckdb"
    write_store(path, market)
    build(path)
    return path


def fetch(path: Path) -> pd.DataFrame:
    with duckdb.connect(str(path), read_only=True) as con:
        return con.execute(f"from {TABLE} order by {', '.join(KEYS)}").df()


def test_all_27_equal_the_reference(
    market: dict[str, pd.DataFrame], built: Path
) -> None:
    found = fetch(built)
    expected = expected_factors(*market.values())
    assert found[KEYS].to_numpy().tolist() == expected[KEYS].to_numpy().tolist()
    problems = {}
    for factor in FACTORS:
        ours, theirs = found[factor].to_numpy(float), expected[factor].to_numpy(float)
        allowed = RELATIVE * np.maximum(np.abs(theirs), 1.0)
        same = (np.isnan(ours) & np.isnan(theirs)) | (np.abs(ours - theirs) <= allowed)
        assert np.isfinite(theirs).sum() > 20, factor
        if not same.all():
            row = int(np.flatnonzero(~same)[0])
            problems[factor] = (
                (~same).sum(),
                found.loc[row, KEYS].tolist(),
                ours[row],
                theirs[row],
            )
    assert problems == {}
    for source in ("trade_source", "order_source"):
        assert found[source].tolist() == expected[source].tolist()
    both = (found["trade_source"] == "tick") & (found["order_source"] == "tick")
    assert (found["source"] == np.where(both, "tick", "minute_proxy")).all()
    assert both.any()


def test_a_null_has_its_reason(built: Path) -> None:
    found = fetch(built)
    is_whole = found[list(FACTORS)].notna().all(axis=1)
    assert (found["null_reason"].isna() == is_whole).all()
    reasons = set(found["null_reason"].dropna())
    assert any("half hour" in reason for reason in reasons)
    assert any("in the day" in reason for reason in reasons)
    coarse = found[found["bar_minutes"] == 15]
    assert coarse[["late_skew_ret", "early_corr_volume_ret"]].isna().all(axis=None)
