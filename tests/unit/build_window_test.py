"""The build window: the day a build starts from, by what was loaded since the last."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import duckdb
import pytest

from warehouse.build_window import (
    BuildWindow,
    begin_build,
    build_window,
    end_build,
    first_loaded_day,
    is_build_whole,
    last_built_day,
    last_loaded_day,
    project_hash,
    record_build,
)
from warehouse.lock import EXCHANGE_TIME
from warehouse.settings import Settings
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


def test_new_week_starts_after_the_last_build(con: duckdb.DuckDBPyConnection) -> None:
    add_load(con, 1, "daily_bar", MONDAY, FRIDAY)
    build(con)
    add_load(con, 2, "daily_bar", date(2024, 7, 1), date(2024, 7, 5))
    window = build_window(con, project_hash=HASH)
    # The days between are built too: a gap of bars is a stretch of suspensions.
    assert window.build_from == date(2024, 6, 22)
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
    assert window.build_from == date(2024, 6, 22)


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


def test_changed_project_and_full_rewrite_all(con: duckdb.DuckDBPyConnection) -> None:
    add_load(con, 1, "daily_bar", MONDAY, FRIDAY)
    build(con)
    assert build_window(con, project_hash="b" * 64).build_from is None
    assert build_window(con, project_hash=HASH, full=True).build_from is None


def test_asked_for_weeks_widen_the_window(con: duckdb.DuckDBPyConnection) -> None:
    add_load(con, 1, "daily_bar", MONDAY, FRIDAY)
    build(con)
    asked = date(2024, 6, 8)
    assert build_window(con, project_hash=HASH, first_day=asked).build_from == asked


def test_last_days(con: duckdb.DuckDBPyConnection) -> None:
    assert last_loaded_day(con) is None
    assert last_built_day(con) is None
    add_load(con, 1, "daily_bar", MONDAY, FRIDAY)
    add_load(con, 2, "index_bar", MONDAY, date(2024, 6, 28))
    build(con)
    assert first_loaded_day(con) == MONDAY
    assert last_loaded_day(con) == FRIDAY
    assert last_built_day(con) == FRIDAY


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
    assert is_build_whole(settings)
    begin_build(settings)
    assert not is_build_whole(settings)
    begin_build(settings)
    end_build(settings)
    assert is_build_whole(settings)
