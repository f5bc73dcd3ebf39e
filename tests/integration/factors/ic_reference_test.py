"""Rank IC, decay, layers and summaries in SQL against numpy, scipy and statsmodels.

On the small sample market, and on a random one with all that upsets a rank: ties, gaps,
suspensions, new listings, delistings, a week of one day, a stock of one day, constant
and empty columns. Add what a new measure must survive to ``make_market``; keep the
formulas in ``reference``.
"""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path

import alphalens
import duckdb
import numpy as np
import pandas as pd
import pytest

from tests.dbt_process import run_dbt
from tests.integration.factors.reference import (
    Panel,
    decays,
    newey_west,
    read_panel,
    summaries,
    weekly_decays,
    weekly_tests,
)
from warehouse.settings import Settings

MODELS = (
    *("int_index_member", "int_factor_universe_weekly", "int_stock_return_weekly"),
    *("int_universe_return_weekly", "int_factor_layer_weekly"),
    *("int_factor_decay_weekly", "dim_factor_universe", "fct_factor_ic_weekly"),
    *("fct_factor_ic_summary", "fct_factor_ic_decay"),
    *("fct_factor_layer_return_weekly", "fct_factor_long_short_weekly"),
    "fct_microcap_factor_ic_weekly",
)
KEYS = {
    "factors.fct_factor_ic_weekly": ["universe", "factor_code", "trade_week"],
    "factors.fct_factor_ic_summary": ["universe", "factor_code", "period"],
    "factors.fct_factor_ic_decay": ["universe", "factor_code", "horizon_weeks"],
    "factors.fct_factor_layer_return_weekly": [
        *("universe", "factor_code", "layer", "trade_week")
    ],
    "factors.fct_factor_long_short_weekly": ["universe", "factor_code", "trade_week"],
    "microcap.fct_microcap_factor_ic_weekly": ["factor_code", "trade_week"],
}
# Panels of other factors with the group of their codes in the seed.
OTHER_PANELS = {
    "int_score_factor_weekly": "score",
    "int_neutral_high_frequency_factor_weekly": "high_frequency",
}
# What each column of the random market's factors is.
FACTORS = {
    "beta": "normal",
    "bp": "normal",
    "liquidity": "ties",
    "momentum": "gaps",
    "volatility_1y": "return",
    "dividend_yield": "constant",
    "ep_ttm": "infinite",
    "growth": "rare",
}
STOCKS = 130
WEEKS = 44
TOLERANCE = 1e-9
# A rank correlation of a week, and the mean over all weeks and horizons.
LARGEST_DECAY_DIFFERENCE = 0.1
MEAN_DECAY_DIFFERENCE = 0.01


def make_days(rng: np.random.Generator) -> pd.DataFrame:
    """Make trading days with holidays, a week of one day, an incomplete last week."""
    days = pd.bdate_range("2022-11-07", periods=5 * WEEKS)
    iso = days.isocalendar()
    week = (100 * iso["year"] + iso["week"]).to_numpy()
    keep = rng.random(len(days)) > 0.06
    weeks = pd.unique(week)
    keep &= week != weeks[12]
    keep[np.flatnonzero(week == weeks[20])] = [False, False, True, False, False]
    days, week = days[keep], week[keep]
    frame = pd.DataFrame({"trade_date": days, "monday": week})
    frame["day_index"] = np.arange(1, len(frame) + 1)
    frame["trade_week"] = frame.groupby("monday")["trade_date"].transform("max")
    frame["is_week_end"] = frame["trade_date"] == frame["trade_week"]
    frame["is_week_complete"] = frame["trade_week"] < frame["trade_week"].max()
    ends = sorted(frame["trade_week"].unique())
    before = dict(zip(ends[1:], ends[:-1], strict=True))
    frame["previous_trade_week"] = pd.to_datetime(frame["trade_week"].map(before))
    frame["is_loaded"] = True
    return frame.drop(columns="monday")


def make_market(path: Path, *, seed: int = 3, shuffled: bool = False) -> None:
    """Write the tables that the models read, as random as a market can be."""
    rng = np.random.default_rng(seed)
    days = make_days(rng)
    codes = [f"{600000 + i}.SH" for i in range(STOCKS)]
    rows = []
    for number, code in enumerate(codes):
        first = 0 if number % 4 else int(rng.integers(0, len(days) - 10))
        last = len(days) if number % 9 else int(rng.integers(40, len(days)))
        if number == 5:
            first, last = 60, 61
        price, halted = 10.0, -1
        for day in range(first, max(last, first + 1)):
            if rng.random() < 0.02:
                halted = day + int(rng.integers(1, 25))
            suspended = day > first and day <= halted
            # Coarse steps: many returns tie.
            opening = round(price * (1 + rng.normal(0, 0.01)), 1)
            close = (
                price if suspended else round(opening * (1 + rng.normal(0, 0.02)), 1)
            )
            rows.append(
                {
                    "trade_date": days["trade_date"].iloc[day],
                    "security_code": code,
                    "adjusted_open": None if suspended else opening,
                    "adjusted_close": close,
                    "listed_days": day - first + (1 if first else 900),
                    "is_st": bool(rng.random() < 0.02),
                    "is_delisting_period": last < len(days) and day > last - 8,
                    "is_suspended": suspended,
                    "opens_at_limit_up": not suspended and bool(rng.random() < 0.05),
                    "opens_at_limit_down": not suspended and bool(rng.random() < 0.04),
                }
            )
            price = close
    bars = pd.DataFrame(rows)
    ends = days.loc[days["is_week_end"], "trade_date"]
    held = bars[bars["trade_date"].isin(ends)][["trade_date", "security_code"]]
    factors = held.rename(columns={"trade_date": "trade_week"}).reset_index(drop=True)
    count = len(factors)
    kinds = {
        "normal": lambda: rng.normal(size=count),
        "ties": lambda: rng.integers(0, 4, count).astype(float),
        "gaps": lambda: np.where(
            rng.random(count) < 0.3, np.nan, rng.normal(size=count)
        ),
        "return": lambda: rng.normal(size=count).round(1),
        "constant": lambda: np.full(count, 7.0),
        "infinite": lambda: np.where(
            rng.random(count) < 0.05, np.inf, rng.normal(size=count)
        ),
        "rare": lambda: np.where(
            rng.random(count) < 0.7, np.nan, rng.normal(size=count)
        ),
    }
    for name, kind in FACTORS.items():
        factors[name] = kinds[kind]()
    start, middle = days["trade_date"].iloc[0], days["trade_date"].iloc[90]
    members = pd.DataFrame(
        [("000300.SH", code, start, None) for code in codes[:40]]
        + [("000300.SH", code, start, middle) for code in codes[40:70]]
        + [("000852.SH", code, middle, None) for code in codes[20:90]],
        columns=["index_code", "security_code", "valid_from", "valid_to"],
    )
    microcap = bars[(bars["trade_date"] > days["trade_date"].iloc[30])]
    microcap = microcap[rng.random(len(microcap)) < 0.6].assign(
        index_code="microcap400"
    )
    tables = {
        "intermediate.int_trading_day": days,
        "intermediate.int_security_day": bars,
        "intermediate.int_tradability_day": bars,
        "intermediate.int_style_factor_weekly": factors,
        "intermediate.int_microcap_member": microcap,
        "staging.stg_index_member": members.astype({"valid_to": "datetime64[us]"}),
        "staging.stg_security": pd.DataFrame({"security_code": codes}),
    }
    with duckdb.connect(str(path)) as con:
        con.execute("create schema staging; create schema intermediate")
        for name, table in tables.items():
            frame = table.sample(frac=1, random_state=9) if shuffled else table
            con.register("frame", frame)
            dates = [
                column
                for column in frame
                if str(frame[column].dtype).startswith("datetime")
            ]
            replaced = ", ".join(f"cast({d} as date) as {d}" for d in dates)
            con.execute(
                f"create table {name} as select * "
                f"{f'replace ({replaced})' if replaced else ''} from frame"
            )
            con.unregister("frame")
        known = {row[0] for row in con.execute(
            "select column_name from duckdb_columns() "
            "where table_name = 'int_style_factor_weekly'"
        ).fetchall()}  # fmt: skip
        for factor in ALL_FACTORS:
            if factor not in known:
                con.execute(
                    "alter table intermediate.int_style_factor_weekly "
                    f"add column {factor} double"
                )
        # No model has scored and no minutes are loaded: these panels have no rows.
        for panel, group in OTHER_PANELS.items():
            columns = ", ".join(f"{code} double" for code in factor_codes(group))
            con.execute(
                f"create table intermediate.{panel} "
                f"(trade_week date, security_code varchar, {columns})"
            )


def factor_codes(group: str) -> list[str]:
    """Return the codes of a group of the seed, which a wide panel has as columns."""
    seed = Path(__file__).parents[3] / "dbt_project" / "seeds" / "factor.csv"
    table = pd.read_csv(seed)
    return list(table.loc[table["factor_group"] == group, "factor_code"])


ALL_FACTORS = factor_codes("style")


def build(path: Path, *, build_from: dt.date | None = None, threads: int = 2) -> None:
    """Build the factor tests of a file, whole or by a window."""
    arguments = ["run", "--select", *MODELS]
    arguments += ["--target-path", str(path.parent / "target")]
    arguments += ["--log-path", str(path.parent / "logs")]
    variables = {
        "LUNDONG_BUILD_PATH": str(path),
        "LUNDONG_MEMORY_LIMIT": "2GB",
        "LUNDONG_THREADS": str(threads),
        "LUNDONG_BUILD_FROM": build_from.isoformat() if build_from else "",
    }
    done = run_dbt(arguments, variables)
    assert done.returncode == 0, done.stdout[-4000:]


def fetch(path: Path, table: str) -> pd.DataFrame:
    """Return a table in a total order."""
    with duckdb.connect(str(path), read_only=True) as con:
        query = f"select * from {table} order by {', '.join(KEYS[table])}"
        return con.execute(query).df()


def assert_equal(found: pd.DataFrame, expected: pd.DataFrame, keys: list[str]) -> int:
    """Compare all columns of ``expected``; return the number of values compared."""
    found, expected = found.copy(), expected.copy()
    for frame in (found, expected):
        for column in ("trade_week", "factor_week"):
            if column in frame:
                frame[column] = pd.to_datetime(frame[column])
    both = found.merge(
        expected, on=keys, how="outer", suffixes=("", "_x"), indicator=True
    )
    assert set(both["_merge"]) == {"both"}, both[both["_merge"] != "both"].head()
    compared = 0
    for column in expected.columns.difference(keys):
        if column == "factor_week":
            assert (both[column] == both[f"{column}_x"]).all()
            continue
        ours = both[column].to_numpy(float)
        theirs = both[f"{column}_x"].to_numpy(float)
        # A t value may be large; everything else is of the order of one.
        allowed = TOLERANCE * np.maximum(1.0, np.abs(theirs))
        same = (np.isnan(ours) & np.isnan(theirs)) | (np.abs(ours - theirs) <= allowed)
        assert same.all(), (column, both[~same].iloc[0].to_dict())
        compared += int((~np.isnan(theirs)).sum())
    return compared


def assert_all_equal(path: Path, panel: Panel) -> None:
    """Compare every table of a file with the reference of its panel."""
    ics, layers = weekly_tests(panel)
    factors = list(panel.factors)

    def own(table: str) -> pd.DataFrame:
        found = fetch(path, table)
        return found[found["factor_code"].isin(factors)]

    name = "factors.fct_factor_ic_weekly"
    assert assert_equal(own(name), ics, KEYS[name]) > 3000
    name = "factors.fct_factor_layer_return_weekly"
    assert assert_equal(own(name), layers, KEYS[name]) > 3000
    name = "factors.fct_factor_ic_summary"
    expected = summaries(ics, panel.weeks[-1])
    assert assert_equal(own(name), expected, KEYS[name]) > 300
    name = "factors.fct_factor_ic_decay"
    weekly = weekly_decays(panel)
    assert assert_equal(own(name), decays(weekly), KEYS[name]) > 300
    # Ranks of their own weeks against ranks among the stocks that both weeks share.
    apart = (weekly["rank_ic"] - weekly["exact"]).abs()
    assert apart[weekly["horizon_weeks"] == 1].max() == 0
    assert apart.max() < LARGEST_DECAY_DIFFERENCE
    assert apart.mean() < MEAN_DECAY_DIFFERENCE
    wide = layers.set_index(["universe", "factor_code", "trade_week", "layer"])
    first, last = (wide.xs(layer, level="layer") for layer in (1, 10))
    name = "factors.fct_factor_long_short_weekly"
    assert_equal(
        own(name),
        pd.DataFrame(
            {
                "paper_return": first["paper_return"] - last["paper_return"],
                "tradable_return": first["tradable_return"] - last["sellable_return"],
                "unfillable_share": (
                    first["unfillable_share"] * first["stock_count"]
                    + last["unsellable_share"] * last["stock_count"]
                )
                / (first["stock_count"] + last["stock_count"]).replace(0, np.nan),
                "long_unfillable_share": first["unfillable_share"],
                "short_unfillable_share": last["unsellable_share"],
                "turnover": first["turnover"] + last["turnover"],
                "stock_count": first["stock_count"] + last["stock_count"],
            }
        ).reset_index(),
        KEYS[name],
    )
    name = "microcap.fct_microcap_factor_ic_weekly"
    assert_equal(own(name), to_date(ics), KEYS[name])


def to_date(ics: pd.DataFrame) -> pd.DataFrame:
    """Mean, ICIR and t value of the micro-cap ICs up to each week."""
    parts = []
    own = ics[ics["universe"] == "microcap"].sort_values("trade_week")
    for _, series in own.groupby("factor_code"):
        part = series[
            ["factor_code", "trade_week", "rank_ic", "tradable_rank_ic"]
        ].copy()
        known = series["rank_ic"].notna()
        spread = series["rank_ic"].expanding().std()
        part["historical_mean_ic"] = series["rank_ic"].expanding().mean().where(known)
        part["icir"] = (part["historical_mean_ic"] / spread).where(spread > 1e-7)
        part["t_value"] = [
            newey_west(series["rank_ic"].to_numpy()[: i + 1])
            if known.iloc[i]
            else np.nan
            for i in range(len(series))
        ]
        part["member_count"] = series["stock_count"]
        parts.append(part)
    return pd.concat(parts)


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("factors") / "build.duckdb"
    make_market(path)
    build(path)
    return path


def test_random_market_equals_reference(market: Path) -> None:
    with duckdb.connect(str(market), read_only=True) as con:
        panel = read_panel(con, list(FACTORS))
    assert_all_equal(market, panel)


def test_random_market_has_what_upsets_a_rank(market: Path) -> None:
    """Every reason occurs, and an absent universe has no row but a reason."""
    reasons = set(fetch(market, "factors.fct_factor_ic_weekly")["reason"].dropna())
    assert {"fewer than 30 stocks", "the factor is constant"} <= reasons
    layers = fetch(market, "factors.fct_factor_layer_return_weekly")
    assert "fewer than 50 stocks" in set(layers["reason"].dropna())
    with duckdb.connect(str(market), read_only=True) as con:
        universes = dict(
            con.execute(
                "select universe, unavailable_reason from factors.dim_factor_universe"
            ).fetchall()
        )
        missing = con.execute(
            "select missing_week_count from factors.dim_factor_universe "
            "where universe = 'csi300'"
        ).fetchone()
    assert universes == {
        "all": None,
        "csi300": None,
        "csi500": "inputs not loaded: members of 000905.SH",
        "csi1000": None,
        "microcap": None,
    }
    # From the middle on CSI 300 has 40 members of 70: its universe ends.
    assert missing is not None
    assert missing[0] > 10


def test_small_market_equals_reference(small_settings: Settings) -> None:
    factors = ["beta", "log_market_cap", "return_10d", "roe_q", "dividend_yield"]
    with duckdb.connect(str(small_settings.build_path), read_only=True) as con:
        panel = read_panel(con, factors)
    assert_all_equal(small_settings.build_path, panel)


def test_windows_threads_and_order_give_the_same_bits(
    market: Path, tmp_path: Path
) -> None:
    """By a window, of shuffled rows with one thread, and whole: one result."""
    windowed = tmp_path / "build.duckdb"
    shutil.copy(market, windowed)
    with duckdb.connect(str(windowed)) as con:
        week = con.execute(
            "select trade_week from intermediate.int_trading_day "
            "where is_week_end order by trade_week desc limit 1 offset 9"
        ).fetchone()
        assert week is not None
        build_from = week[0] - dt.timedelta(days=week[0].weekday())
        for table in (
            *("int_factor_universe_weekly", "int_stock_return_weekly"),
            *("int_universe_return_weekly", "int_factor_layer_weekly"),
            "int_factor_decay_weekly",
        ):
            con.execute(
                f"delete from intermediate.{table} where trade_week > ?", [build_from]
            )
    build(windowed, build_from=build_from)
    shuffled = tmp_path / "shuffled" / "build.duckdb"
    shuffled.parent.mkdir()
    make_market(shuffled, shuffled=True)
    build(shuffled, threads=1)
    for table in KEYS:
        whole = fetch(market, table)
        for other in (windowed, shuffled):
            pd.testing.assert_frame_equal(fetch(other, table), whole, check_exact=True)


@pytest.mark.filterwarnings("ignore")
def test_equal_to_alphalens_where_definitions_agree(market: Path) -> None:
    """Rank IC always; layers where the stocks divide by ten and none tie.

    alphalens cuts by quantiles, lowest first, so that other numbers of stocks fall
    otherwise; its turnover is the share of names that are new.
    """
    with duckdb.connect(str(market), read_only=True) as con:
        panel = read_panel(con, ["beta", "liquidity"])
    ics = fetch(market, "factors.fct_factor_ic_weekly").set_index(
        ["universe", "factor_code", "trade_week"]
    )
    layers = fetch(market, "factors.fct_factor_layer_return_weekly").set_index(
        ["universe", "factor_code", "trade_week", "layer"]
    )
    compared = 0
    for factor in panel.factors:
        rows = []
        for week in range(1, len(panel.weeks)):
            known = panel.member["all"][week - 1] & ~np.isnan(
                panel.factors[factor][week - 1] + panel.paper[week]
            )
            stocks = np.flatnonzero(known)
            if factor == "beta":
                stocks = stocks[: len(stocks) // 10 * 10]
            rows += [
                (
                    pd.Timestamp(panel.weeks[week]),
                    panel.codes[stock],
                    panel.paper[week, stock],
                    panel.factors[factor][week - 1, stock],
                    len(known.nonzero()[0]) == len(stocks),
                )
                for stock in stocks
            ]
        frame = pd.DataFrame(rows, columns=["date", "asset", "5D", "factor", "whole"])
        data = frame.set_index(["date", "asset"])
        theirs = alphalens.performance.factor_information_coefficient(
            data[["5D", "factor"]]
        )["5D"]
        whole = frame.groupby("date")["whole"].all()
        for date, value in theirs.items():
            if whole[date]:
                ours = ics.loc[("all", factor, date), "rank_ic"]
                assert ours == pytest.approx(value, abs=TOLERANCE)
                compared += 1
        if factor == "beta":
            data["factor_quantile"] = alphalens.utils.quantize_factor(
                data[["5D", "factor"]], quantiles=10
            )
            means = alphalens.performance.mean_return_by_quantile(
                data[["5D", "factor", "factor_quantile"]], by_date=True, demeaned=False
            )[0]["5D"]
            for (quantile, date), value in means.items():
                if whole[date]:
                    ours = layers.loc[("all", factor, date, 11 - quantile)]
                    assert ours["paper_return"] == pytest.approx(value, abs=TOLERANCE)
                    compared += 1
    assert compared > 60
