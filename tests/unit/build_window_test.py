"""The build window: the day a build starts from, by what was loaded since the last."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import duckdb
import pytest
import yaml

from warehouse.build_window import (
    LOADED_DAY_MINIMUM_SHARE,
    BuildWindow,
    UnfinishedBuild,
    begin_build,
    build_window,
    end_build,
    first_loaded_day,
    is_build_whole,
    last_built_day,
    last_day_of_tables,
    last_loaded_day,
    project_hash,
    record_build,
    unfinished_builds,
    unfinished_mark,
)
from warehouse.lock import EXCHANGE_TIME
from warehouse.settings import PROJECT_ROOT, Settings
from warehouse.store import create_raw_tables

HASH = "a" * 64
MONDAY, FRIDAY = date(2024, 6, 17), date(2024, 6, 21)


@pytest.fixture
def con(tmp_path: Path) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(tmp_path / "build.duckdb")
    create_raw_tables(connection)
    return connection


def add_load(
    con: duckdb.DuckDBPyConnection,
    load_id: int,
    table_name: str,
    first: date | None,
    last: date | None,
    accepted: int = 1,
) -> None:
    con.execute(
        """
        insert into raw.load
        values (?, 'folder', 'm', 'h', ?, 'f', 'h', ?, ?, ?, 0, 0, ?, ?, 'loaded')
        """,
        [
            load_id,
            table_name,
            datetime(2024, 6, 22, tzinfo=EXCHANGE_TIME),
            accepted,
            accepted,
            first,
            last,
        ],
    )


def build(con: duckdb.DuckDBPyConnection, as_of: date | None = FRIDAY) -> None:
    window = build_window(con, project_hash=HASH)
    record_build(con, window, build_id="b", as_of_date=as_of)


def test_first_build_is_whole(con: duckdb.DuckDBPyConnection) -> None:
    add_load(con, 1, "daily_bar", MONDAY, FRIDAY)
    assert build_window(con, project_hash=HASH) == BuildWindow(
        None, "the first build", 1, HASH
    )


def test_new_week_starts_with_the_week_last_built(
    con: duckdb.DuckDBPyConnection,
) -> None:
    """The week itself may have become complete only now: the calendar has gone on."""
    add_load(con, 1, "daily_bar", MONDAY, FRIDAY)
    build(con)
    add_load(con, 2, "daily_bar", date(2024, 7, 1), date(2024, 7, 5))
    window = build_window(con, project_hash=HASH)
    # The days between are built too: a gap of bars is a stretch of suspensions.
    assert window.build_from == MONDAY
    assert window.last_load_id == 2


def test_correction_starts_at_its_day(con: duckdb.DuckDBPyConnection) -> None:
    add_load(con, 1, "daily_bar", MONDAY, FRIDAY)
    build(con)
    add_load(con, 2, "industry_member", date(2024, 3, 4), date(2024, 6, 3))
    add_load(con, 3, "daily_bar", date(2024, 5, 6), date(2024, 5, 6))
    window = build_window(con, project_hash=HASH)
    assert window.build_from == date(2024, 3, 4)
    assert window.reason == "industry_member changed"


def test_load_that_took_nothing_touches_nothing(
    con: duckdb.DuckDBPyConnection,
) -> None:
    add_load(con, 1, "daily_bar", MONDAY, FRIDAY)
    build(con)
    add_load(con, 2, "trading_calendar", None, None, accepted=0)
    window = build_window(con, project_hash=HASH)
    assert window.build_from == MONDAY


@pytest.mark.parametrize(
    ("table_name", "first"),
    [("trading_calendar", None), ("market_index", None), ("daily_bar", None)],
)
def test_table_without_date_rewrites_all(
    con: duckdb.DuckDBPyConnection, table_name: str, first: date | None
) -> None:
    add_load(con, 1, "daily_bar", MONDAY, FRIDAY)
    build(con)
    add_load(con, 2, table_name, first, first)
    window = build_window(con, project_hash=HASH)
    assert window.build_from is None
    assert window.reason.startswith(table_name)


def test_calendar_rewrites_from_its_first_changed_day(
    con: duckdb.DuckDBPyConnection,
) -> None:
    add_load(con, 1, "daily_bar", MONDAY, FRIDAY)
    build(con)
    add_load(con, 2, "trading_calendar", date(2024, 7, 1), date(2024, 7, 5))
    assert build_window(con, project_hash=HASH).build_from == MONDAY
    add_load(con, 3, "trading_calendar", date(2024, 6, 10), date(2024, 6, 10))
    window = build_window(con, project_hash=HASH)
    assert window.build_from == date(2024, 6, 10)
    assert window.reason == "trading_calendar changed"


def test_renamed_security_moves_nothing(con: duckdb.DuckDBPyConnection) -> None:
    add_load(con, 1, "daily_bar", MONDAY, FRIDAY)
    build(con)
    add_load(con, 2, "security", None, None)
    assert build_window(con, project_hash=HASH).build_from == MONDAY
    add_load(con, 3, "security", MONDAY, MONDAY)
    assert build_window(con, project_hash=HASH).build_from == MONDAY


def test_one_load_without_a_date_among_others_rewrites_all(
    con: duckdb.DuckDBPyConnection,
) -> None:
    add_load(con, 1, "daily_bar", MONDAY, FRIDAY)
    build(con)
    add_load(con, 2, "etf", MONDAY, FRIDAY)
    add_load(con, 3, "etf", None, None)
    assert build_window(con, project_hash=HASH).build_from is None


def test_changed_project_and_full_rewrite_all(con: duckdb.DuckDBPyConnection) -> None:
    add_load(con, 1, "daily_bar", MONDAY, FRIDAY)
    build(con)
    assert build_window(con, project_hash="b" * 64).build_from is None
    assert build_window(con, project_hash=HASH, full=True).build_from is None


def test_asked_for_weeks_widen_the_window(con: duckdb.DuckDBPyConnection) -> None:
    add_load(con, 1, "daily_bar", MONDAY, FRIDAY)
    build(con)
    window = build_window(con, project_hash=HASH, first_day=date(2024, 6, 8))
    assert window.build_from == date(2024, 6, 3)


def add_securities(con: duckdb.DuckDBPyConnection, count: int) -> None:
    con.execute(
        """
        insert into raw.security by name
        select
            '60000' || i || '.SH' as security_code,
            date '2024-01-02' as list_date,
            'name' as name,
            'main' as board,
            1 as load_id,
        from range(?) as t (i)
        """,
        [count],
    )


def add_bars(
    con: duckdb.DuckDBPyConnection, day: date, count: int, *, load_id: int = 1
) -> None:
    con.execute(
        """
        insert into raw.daily_bar by name
        select
            '60000' || i || '.SH' as security_code,
            ? as trade_date,
            10.0 as open_cny,
            10.0 as high_cny,
            10.0 as low_cny,
            10.0 as close_cny,
            1.0 as volume_shares,
            10.0 as amount_cny,
            1.0 as adjust_factor,
            ? as load_id,
            case when ? > 1 then 1 end as replaces_load_id,
        from range(?) as t (i)
        """,
        [day, load_id, load_id, count],
    )


def test_last_days(con: duckdb.DuckDBPyConnection) -> None:
    assert last_loaded_day(con) is None
    assert last_built_day(con) is None
    add_securities(con, 9)
    add_bars(con, FRIDAY, 9)
    add_load(con, 1, "daily_bar", MONDAY, FRIDAY)
    add_load(con, 2, "index_bar", MONDAY, date(2024, 6, 28))
    build(con)
    assert first_loaded_day(con) == MONDAY
    assert last_loaded_day(con) == FRIDAY
    assert last_built_day(con) == FRIDAY


def test_bars_of_a_few_stocks_make_no_day_of_the_market(
    con: duckdb.DuckDBPyConnection,
) -> None:
    later = date(2024, 7, 5)
    add_securities(con, 9)
    add_bars(con, FRIDAY, 2)
    add_bars(con, later, 1)
    # A corrected bar is still one.
    add_bars(con, later, 1, load_id=2)
    assert last_loaded_day(con) == FRIDAY
    # Most of the stocks were delisted by then: one bar is enough of the market.
    con.execute(
        "update raw.security set delist_date = ? where security_code > ?",
        [later, "600003.SH"],
    )
    con.execute("delete from raw.daily_bar where load_id = 2")
    assert last_loaded_day(con) == later


def test_build_goes_on_after_the_last_day_of_the_market(
    con: duckdb.DuckDBPyConnection,
) -> None:
    add_load(con, 1, "daily_bar", MONDAY, date(2025, 6, 20))
    # Bars of a few stocks reach a year further than the market, which ends on Friday.
    build(con, as_of=FRIDAY)
    add_load(con, 2, "daily_bar", date(2025, 6, 23), date(2025, 6, 27))
    assert build_window(con, project_hash=HASH).build_from == MONDAY


def test_market_day_is_the_same_to_the_dbt_project() -> None:
    project = PROJECT_ROOT / "dbt_project" / "dbt_project.yml"
    variables = yaml.safe_load(project.read_text(encoding="utf-8"))["vars"]
    assert variables["loaded_day_minimum_share"] == LOADED_DAY_MINIMUM_SHARE


def test_last_day_of_tables(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("create schema intermediate")
    con.execute(
        """
        create table intermediate.int_trading_day as
        select * from (
            values (date '2024-06-21', true), (date '2024-06-24', false)
        ) as t (trade_date, is_loaded)
        """
    )
    assert last_day_of_tables(con) == FRIDAY


def test_project_hash_sees_seeds_and_names(tmp_path: Path) -> None:
    model = tmp_path / "models" / "a.sql"
    model.parent.mkdir()
    model.write_text("select 1")
    seed = tmp_path / "seed.csv"
    seed.write_text("a\n1\n")
    first = project_hash(tmp_path)
    seed.write_text("a\n2\n")
    second = project_hash(tmp_path)
    model.rename(model.with_name("b.sql"))
    third = project_hash(tmp_path)
    artefact = tmp_path / "target" / "c.sql"
    artefact.parent.mkdir()
    artefact.write_text("select 2")
    assert len({first, second, third}) == 3
    assert project_hash(tmp_path) == third


def test_build_is_whole_only_when_it_ended(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    window = BuildWindow(MONDAY, "", 1, HASH)
    assert is_build_whole(settings)
    begin_build(settings, window, as_of_date=None)
    assert not is_build_whole(settings)
    begin_build(settings, window, as_of_date=None)
    end_build(settings)
    assert is_build_whole(settings)


def next_window(con: duckdb.DuckDBPyConnection, settings: Settings) -> BuildWindow:
    """Return the window of the build after those that were begun."""
    unfinished = unfinished_builds(settings)
    return build_window(con, project_hash=HASH, unfinished=unfinished)


def test_rows_of_a_failed_build_are_written_again(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    """A model is edited, the build fails half way, the edit is taken back."""
    settings = Settings(home=tmp_path)
    add_load(con, 1, "daily_bar", MONDAY, FRIDAY)
    build(con)
    assert next_window(con, settings).build_from == MONDAY
    edited = build_window(con, project_hash="b" * 64)
    begin_build(settings, edited, as_of_date=None)
    assert unfinished_builds(settings) == [UnfinishedBuild("b" * 64, None, None)]
    window = next_window(con, settings)
    assert window.build_from is None
    assert window.reason == "a build by other files of the dbt project did not finish"
    # A build of a part, or one that fails too, does not make up for it.
    begin_build(settings, BuildWindow(MONDAY, "", 1, HASH), as_of_date=None)
    assert next_window(con, settings) == window
    end_build(settings)
    assert next_window(con, settings).build_from == MONDAY


def test_a_failed_build_with_a_wider_window_keeps_it(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    settings = Settings(home=tmp_path)
    add_load(con, 1, "daily_bar", MONDAY, FRIDAY)
    build(con)
    later = BuildWindow(date(2024, 6, 24), "", 1, HASH)
    begin_build(settings, later, as_of_date=None)
    assert next_window(con, settings).build_from == MONDAY
    wider = build_window(con, project_hash=HASH, first_day=date(2024, 3, 4))
    begin_build(settings, wider, as_of_date=None)
    window = next_window(con, settings)
    assert window.build_from == date(2024, 3, 4)
    assert window.reason == "a build did not finish"
    begin_build(
        settings, build_window(con, project_hash=HASH, full=True), as_of_date=None
    )
    window = next_window(con, settings)
    assert window.build_from is None
    assert window.reason == "a build of everything did not finish"


def test_a_failed_build_as_of_a_date_is_not_built_upon(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    settings = Settings(home=tmp_path)
    add_load(con, 1, "daily_bar", MONDAY, FRIDAY)
    build(con)
    cut = BuildWindow(MONDAY, "", 1, HASH)
    begin_build(settings, cut, as_of_date=date(2024, 6, 14))
    window = next_window(con, settings)
    assert window.build_from is None
    assert window.reason == "a build as of another date did not finish"


@pytest.mark.parametrize("line", ["", '{"project_hash": "aa', "[]", "{}"])
def test_a_mark_that_cannot_be_read_rewrites_all(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, line: str
) -> None:
    settings = Settings(home=tmp_path)
    add_load(con, 1, "daily_bar", MONDAY, FRIDAY)
    build(con)
    unfinished_mark(settings).write_text(line)
    assert unfinished_builds(settings) == [UnfinishedBuild(None, None, None)]
    assert next_window(con, settings).build_from is None
