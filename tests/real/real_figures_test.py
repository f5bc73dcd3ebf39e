"""Figures of real data: CITIC's indices, the numpy reference, what is printed of them.

The correlations come from all files by the benchmark's SQL; the rest from a store of
every eighth stock since 2019.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from benchmarks import figures
from benchmarks.diffusion_benchmark import (
    TOLERANCE,
    largest_difference,
    pandas_peer,
    polars_peer,
    run_sql,
    sql_peer,
)
from tests.conftest import RunLundong
from warehouse.settings import PROJECT_ROOT, Settings
from warehouse.store import connect_build, connect_published

MAPPING = PROJECT_ROOT / "warehouse" / "mappings" / "real.toml"
FIRST_DAY = "2019-06-03"
# It begins while another process makes the small store that all others wait for.
pytestmark = pytest.mark.long(300)

# File, column of the stock, column of the day from FIRST_DAY on.
CUT_FILES = (
    ("daily_2010_2020.parquet", "code", "date"),
    ("daily_2021_2024.parquet", "code", "date"),
    ("daily_later_delisted_2021_2024.parquet", "code", "date"),
    ("quarterly_fundamentals_2015_2024.parquet", "code", None),
    ("shenwan_industry_history.parquet", "code", None),
    ("stock_snapshot_2024_06_26.parquet", "code", None),
)

WHOLE_FILES = (
    figures.CITIC_FILE,
    "etf_daily_2017_2020.parquet",
    "etf_shares_csi300_chinext_2012_2026.parquet",
    "margin_total_2012_2026.parquet",
)


@pytest.fixture(scope="module")
def subset(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the rows of every eighth stock."""
    folder = tmp_path_factory.mktemp("subset")
    with duckdb.connect() as con:
        for name, code, day in CUT_FILES:
            since = f"and {day} >= date '{FIRST_DAY}'" if day else ""
            con.execute(
                f"copy (from '{real_data / name}' "
                f"where cast(left({code}, 6) as integer) % 8 = 1 {since}) "
                f"to '{folder / name}'"
            )
    for name in WHOLE_FILES:
        (folder / name).symlink_to(real_data / name)
    return folder


@pytest.fixture(scope="module")
def subset_store(
    subset: Path, tmp_path_factory: pytest.TempPathFactory, run_lundong: RunLundong
) -> Settings:
    """Return a refreshed store of the subset."""
    home = tmp_path_factory.mktemp("subset_home")
    run_lundong(home, "load", "folder", MAPPING, "--dir", subset)
    run_lundong(home, "refresh")
    return Settings(home=home)


@pytest.fixture(scope="module")
def built(subset_store: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """Return a connection to the built store."""
    with connect_build(subset_store, read_only=True) as con:
        yield con


def test_industry_returns_follow_the_citic_indices(real_data: Path) -> None:
    """Members of the day: the mean correlation of 29 pairs is at least 0.970."""
    with duckdb.connect() as con:
        run_sql(con, real_data)
        con.execute("create view own_return as from industry_day")
        found = con.execute(
            figures.CITIC_CORRELATION,
            {
                "pairs": str(figures.CITIC_PAIRS),
                "citic": str(real_data / figures.CITIC_FILE),
            },
        ).fetchall()
    assert len(found) == 29
    assert min(days for _, _, days in found) > 1200
    assert statistics.fmean(value for _, value, _ in found) >= 0.970


def test_built_figures_equal_the_numpy_reference(
    built: duckdb.DuckDBPyConnection,
) -> None:
    for found in figures.reference_comparisons(built, "shenwan1"):
        assert found.row_count > 20_000
        assert found.only_one_side == 0, found
        assert found.largest_difference <= 1e-12, found


def test_peers_agree_with_sql(subset: Path) -> None:
    ours = sql_peer(subset)
    assert len(ours.diffusion) > 20_000
    for peer in (pandas_peer, polars_peer):
        assert largest_difference(ours, peer(subset)) <= TOLERANCE


def test_hindsight_differs_from_the_members_of_the_day(
    built: duckdb.DuckDBPyConnection, subset: Path
) -> None:
    found = figures.citic_correlations(built, subset)
    assert len(found) == 29
    assert any(abs(item.hindsight - item.of_the_day) > 0.001 for item in found)


def test_special_treatment_is_inferred_on_the_main_board(
    built: duckdb.DuckDBPyConnection, subset: Path
) -> None:
    """The rule sees five-per-cent limits only, which ChiNext and STAR do not have."""
    grid = figures.st_inference(built, subset)
    by_board = {row[0]: dict(zip(grid.headings, row, strict=True)) for row in grid.rows}
    main = by_board["main"]
    assert main["named_st"] >= 5
    assert 0.5 <= main["precision"] <= 1
    assert 0.2 <= main["recall"] <= 1


def test_weights_are_total_before_2021_and_say_so(
    subset_store: Settings,
) -> None:
    with connect_published(subset_store) as con:
        grid = figures.weight_sources(con)
    by_year = {row[0]: dict(zip(grid.headings, row, strict=True)) for row in grid.rows}
    assert by_year[2020]["total"] > 0
    assert by_year[2020]["float"] == by_year[2020]["mixed"] == 0
    assert by_year[2022]["float"] + by_year[2022]["mixed"] > by_year[2022]["total"]


def test_every_published_figure_has_a_status(subset_store: Settings) -> None:
    with connect_published(subset_store) as con:
        grid = figures.reconciliation_counts(con)
    assert sum(int(str(row[2])) for row in grid.rows) == 1139
    assert all(row[0] == "compared" or row[1] for row in grid.rows)


def test_survivorship_counts_the_stocks_delisted_since(
    built: duckdb.DuckDBPyConnection,
) -> None:
    grid = figures.survivorship(built)
    by_year = {row[0]: dict(zip(grid.headings, row, strict=True)) for row in grid.rows}
    assert by_year[2021]["delisted_later"] > 0
    assert by_year[2019]["delisted_later"] == 0


def test_flows_of_funds_agree_with_their_assets(subset_store: Settings) -> None:
    """What is beyond half a per cent is what the price moved after the money came."""
    with connect_published(subset_store) as con:
        grid, misses = figures.etf_identity(con), figures.etf_identity_misses(con)
    by_fund = {row[0]: dict(zip(grid.headings, row, strict=True)) for row in grid.rows}
    assert {
        fund: (found["weeks"], found["within_half_per_cent"])
        for fund, found in by_fund.items()
    } == {"159915.SZ": (356, 352), "510300.SH": (490, 478)}
    for found in by_fund.values():
        assert found["mean"] < 0.001
        assert found["unexplained"] < 1e-9
    assert len(misses.rows) == 16
    # A week that ends higher can be one of them.
    rising = [row[0] for row in misses.rows if str(row[1]) == "2022-04-29"]
    assert rising == ["159915.SZ", "510300.SH"]


def test_margin_of_the_market_is_the_reported_one(
    subset_store: Settings, real_data: Path
) -> None:
    """Units: hundreds of millions in the file, yuan in the table."""
    with connect_published(subset_store) as con:
        found = con.execute(
            "select trade_week, financing_balance_cny, financing_balance_change_cny "
            "from flows.fct_margin_flow_weekly "
            "where industry_code = 'all' and industry_system = 'shenwan1' "
            "and balance_source = 'reported' order by trade_week"
        ).fetchall()
    with duckdb.connect() as con:
        stated = dict(
            con.execute(
                "select cast(date as date), fin_balance * 1e8 "
                f"from '{real_data / 'margin_total_2012_2026.parquet'}'"
            ).fetchall()
        )
    assert len(found) > 500
    for (week, balance, change), (_, before, _) in zip(found[1:], found, strict=False):
        assert balance == pytest.approx(stated[week], abs=1)
        assert change == pytest.approx(balance - before, abs=1)
    assert 1e12 < found[-1][1] < 3e12
