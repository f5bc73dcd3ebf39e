"""Staging reads the version of a row that holds: newest, known at a time, or cut.

Tests of the macro behind every staging view, on a file of a few rows. Add a case when
the raw layer gets another way of holding versions; keep loading out.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.dbt_process import run_dbt
from warehouse.settings import PROJECT_ROOT
from warehouse.store import create_raw_tables

DBT_PROJECT = PROJECT_ROOT / "dbt_project"


@pytest.fixture(scope="module")
def build_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("staging") / "build.duckdb"
    with duckdb.connect(str(path)) as con:
        create_raw_tables(con)
        con.execute("set TimeZone = 'Asia/Shanghai'")
        for load_id, loaded_at in ((1, "2024-01-05"), (2, "2024-02-05")):
            con.execute(
                """
                insert into raw.load by name
                select ? as load_id, 'folder' as source, 'm' as mapping,
                    '' as mapping_sha256, 'daily_bar' as table_name, 'f' as file_path,
                    '' as file_sha256, cast(? as timestamptz) as loaded_at,
                    0 as row_count_read, 0 as row_count_accepted,
                    0 as row_count_unchanged, 0 as row_count_rejected,
                    'loaded' as status
                """,
                [load_id, f"{loaded_at} 18:00:00+08"],
            )
        con.execute(
            """
            insert into raw.security by name
            from (
                values
                    ('600001.SH', 'main', date '2020-01-02', null, 1, null),
                    ('600001.SH', 'main', date '2020-01-02', date '2024-02-01', 2, 1),
                    ('600002.SH', 'main', date '2024-01-03', null, 1, null)
            ) as t (
                security_code, board, list_date, delist_date, load_id,
                replaces_load_id
            )
            """
        )
        con.execute(
            """
            insert into raw.daily_bar by name
            select *, 1.0 as adjust_factor, close_cny as open_cny,
                close_cny as high_cny, close_cny as low_cny
            from (
                values
                    ('600001.SH', date '2024-01-03', 10.0, 1, null),
                    ('600001.SH', date '2024-01-04', 11.0, 1, null),
                    ('600001.SH', date '2024-01-04', 11.5, 2, 1)
            ) as t (security_code, trade_date, close_cny, load_id, replaces_load_id)
            """
        )
    return path


def read(path: Path, query: str, **variables: str) -> list[tuple[Any, ...]]:
    """Build the staging views under ``variables`` and query them."""
    arguments = [
        "--no-use-colors", "--quiet", "run",
        "--select", "stg_security", "stg_daily_bar",
        "--target-path", str(path.parent / "target"),
        "--log-path", str(path.parent / "logs"),
    ]  # fmt: skip
    given = {f"LUNDONG_{name.upper()}": value for name, value in variables.items()}
    done = run_dbt(arguments, {**given, "LUNDONG_BUILD_PATH": str(path)})
    assert done.returncode == 0, done.stdout
    with duckdb.connect(str(path), read_only=True) as con:
        return con.execute(query).fetchall()


CLOSES = "select close_cny from staging.stg_daily_bar order by trade_date"
DELISTED = """
    select security_code, cast(delist_date as varchar)
    from staging.stg_security order by security_code
"""


def test_newest_version_counts(build_path: Path) -> None:
    assert read(build_path, CLOSES) == [(10.0,), (11.5,)]


def test_known_at_reads_what_was_loaded_then(build_path: Path) -> None:
    known = "2024-01-31 00:00:00+08"
    assert read(build_path, CLOSES, known_at=known) == [(10.0,), (11.0,)]
    assert read(build_path, DELISTED, known_at=known) == [
        ("600001.SH", None),
        ("600002.SH", None),
    ]


def test_as_of_date_cuts_rows_and_opens_what_closed_later(build_path: Path) -> None:
    assert read(build_path, CLOSES, as_of_date="2024-01-03") == [(10.0,)]
    assert read(build_path, DELISTED, as_of_date="2024-01-02") == [("600001.SH", None)]
    assert read(build_path, DELISTED, as_of_date="2024-02-01") == [
        ("600001.SH", "2024-02-01"),
        ("600002.SH", None),
    ]
