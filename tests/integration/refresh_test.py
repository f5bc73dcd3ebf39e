"""The refresh end to end: whole or by windows, once or twice, now or as of a week."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pyarrow.parquet as pq
import pytest

from dagster_defs.project import manifest_path
from tests.conftest import RunLundong
from warehouse.load import SAMPLE, load_folder
from warehouse.raw_tables import RAW_TABLE_BY_NAME
from warehouse.settings import PROJECT_ROOT, Settings
from warehouse.store import connect_build, connect_published

SAMPLE_MAPPING = PROJECT_ROOT / "warehouse" / "mappings" / "sample.toml"
TRUTH = "truth"


def content_hash(settings: Settings) -> str:
    with connect_published(settings) as con:
        row = con.execute(
            """
            select content_hash
            from meta.meta_publication
            order by publication_id desc
            limit 1
            """
        ).fetchone()
    assert row is not None
    return str(row[0])


def table_hashes(settings: Settings) -> dict[str, tuple[int, str]]:
    """Return rows and hash by table, to name what differs."""
    with connect_published(settings) as con:
        rows = con.execute(
            """
            select schema_name || '.' || table_name, row_count, content_hash
            from meta.meta_publication_table
            where not is_run_log
            qualify publication_id = max(publication_id) over ()
            """
        ).fetchall()
    return {name: (count, value) for name, count, value in rows}


def last_build(settings: Settings) -> tuple[date | None, date]:
    with connect_build(settings, read_only=True) as con:
        row = con.execute(
            """
            select build_from, as_of_date
            from raw.build_state
            order by finished_at desc
            limit 1
            """
        ).fetchone()
    assert row is not None
    return row[0], row[1]


def last_two_weeks(settings: Settings) -> tuple[date, date]:
    """Return the last loaded day of the week before last, and of the last week."""
    with connect_published(settings) as con:
        rows = con.execute(
            """
            select trade_week
            from core.dim_trade_week
            where first_day <= (select max(as_of_date) from meta.meta_publication)
            order by trade_week desc
            limit 2
            """
        ).fetchall()
    return rows[1][0], rows[0][0]


def cut_sample(source: Path, target: Path, last_day: date) -> None:
    """Write the sample's files as a vendor gave them on the evening of a day."""
    target.mkdir(parents=True)
    day = f"date '{last_day}'"
    with duckdb.connect() as con:
        for file in sorted(source.glob("*.parquet")):
            table = RAW_TABLE_BY_NAME[file.stem]
            closed = ", ".join(
                f"case when {column.name} <= {day} then {column.name} end"
                f" as {column.name}"
                for column in table.columns
                if column.closes_later
            )
            chosen = f"* replace ({closed})" if closed else "*"
            known = (
                f"{table.known_column} < {day} + interval 1 day"
                if table.known_column
                else "true"
            )
            con.execute(
                f"copy (select {chosen} from '{file}' where {known}) "
                f"to '{target / file.name}' (format parquet)"
            )


def shuffle_files(source: Path, target: Path) -> int:
    """Write every source file with its rows in another order; return the file count."""
    generator = np.random.default_rng(11)
    count = 0
    for path in sorted(source.rglob("*.parquet")):
        inside = path.relative_to(source)
        if TRUTH in inside.parts:
            continue
        table = pq.read_table(path)
        order = generator.permutation(len(table))
        (target / inside).parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table.take(order), target / inside, row_group_size=5_000)
        count += 1
    return count


def test_first_refresh_publishes_and_passes_its_checks(
    small_settings: Settings,
) -> None:
    build_from, as_of = last_build(small_settings)
    assert build_from is None
    with connect_published(small_settings) as con:
        tables = {
            f"{schema}.{table}"
            for schema, table in con.execute(
                "select schema_name, table_name from duckdb_tables()"
            ).fetchall()
        }
        published_as_of = con.execute(
            "select as_of_date from meta.meta_publication"
        ).fetchall()
        checks = dict(
            con.execute(
                "select status, count(*) from meta.meta_check_result group by status"
            ).fetchall()
        )
        last_bar = con.execute(
            "select max(last_date) from meta.meta_load where table_name = 'daily_bar'"
        ).fetchone()
    assert published_as_of == [(as_of,)]
    assert last_bar == (as_of,)
    assert {
        "core.dim_trade_week",
        "industry.fct_industry_return_weekly",
        "diffusion.fct_diffusion_index_weekly",
        "rotation.fct_rotation_performance",
        "meta.meta_column",
        "meta.meta_lineage",
    } <= tables
    assert checks.get("pass", 0) > 20
    assert not {"fail", "error"} & checks.keys()


def test_every_published_column_is_described(small_settings: Settings) -> None:
    with connect_published(small_settings) as con:
        missing = con.execute(
            """
            select c.schema_name, c.table_name, c.column_name
            from duckdb_columns() as c
            where
                c.schema_name not in ('archive', 'main')
                and not c.internal
                and coalesce(c.comment, '') = ''
            """
        ).fetchall()
        undocumented = con.execute(
            """
            select c.schema_name, c.table_name, c.column_name
            from duckdb_columns() as c
            anti join meta.meta_column as d
                on
                    c.schema_name = d.table_schema
                    and c.table_name = d.table_name
                    and c.column_name = d.column_name
            where
                not c.internal
                and c.schema_name not in ('archive', 'main')
                and c.table_name not like 'meta_publication%'
            """
        ).fetchall()
    assert missing == []
    assert undocumented == []


def test_every_documented_column_exists(small_settings: Settings) -> None:
    manifest = json.loads(manifest_path(small_settings).read_text(encoding="utf-8"))
    documented = {
        (node["schema"], node["name"], column.lower())
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model"
        for column in node["columns"]
    }
    with connect_build(small_settings, read_only=True) as con:
        built = con.execute(
            "select schema_name, table_name, lower(column_name) from duckdb_columns()"
        ).fetchall()
    assert any(schema == "intermediate" for schema, _, _ in documented)
    assert documented <= set(built)


@pytest.mark.long(220)
def test_history_order_and_threads_leave_the_content(
    small_settings: Settings,
    tmp_path: Path,
    run_lundong: RunLundong,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Shuffled files, a week later the rest, one thread: as if built whole at once."""
    home = tmp_path / "home"
    settings = Settings(home=home)
    previous_week, last_week = last_two_weeks(small_settings)
    files, cut = tmp_path / "files", tmp_path / "cut"
    assert shuffle_files(small_settings.sample, files) > 10
    cut_sample(files, cut, previous_week)
    monkeypatch.setenv("LUNDONG_THREADS", "1")
    # As the generated market, which trains its models.
    load_folder(settings, SAMPLE_MAPPING, cut, source_name=SAMPLE)
    run_lundong(home, "refresh")
    assert last_build(settings) == (None, previous_week)

    load_folder(settings, SAMPLE_MAPPING, files, source_name=SAMPLE)
    run_lundong(home, "refresh")
    build_from, as_of = last_build(settings)
    assert as_of == last_week
    assert build_from is not None
    ours, theirs = table_hashes(settings), table_hashes(small_settings)
    assert sum(count for count, _ in theirs.values()) > 100_000
    assert ours == theirs
    assert content_hash(settings) == content_hash(small_settings)


@pytest.mark.long(70)
def test_week_before_is_built_in_a_store_of_its_own(
    home_copy: Settings, run_lundong: RunLundong
) -> None:
    previous_week, _ = last_two_weeks(home_copy)
    current = home_copy.published_path.read_bytes()
    done = run_lundong(home_copy.home, "refresh", "--week", previous_week.isoformat())
    [own] = (home_copy.home / "as_of").iterdir()
    assert f"LUNDONG_HOME={own}" in done.stdout
    assert home_copy.published_path.read_bytes() == current
    with connect_published(Settings(home=own)) as con:
        row = con.execute(
            """
            select
                (select max(as_of_date) from meta.meta_publication),
                (select max(trade_date) from diffusion.fct_diffusion_index_daily)
            """
        ).fetchone()
    assert row == (previous_week, previous_week)


def test_failed_check_publishes_nothing(
    home_copy: Settings, run_lundong: RunLundong
) -> None:
    before = home_copy.published_path.read_bytes()
    with connect_build(home_copy) as con:
        # A load whose rows are gone: somebody wrote to the builder's file. A few stocks
        # are left, and the other ones would be taken for suspended.
        rows = con.execute(
            """
            delete from raw.daily_bar
            where
                trade_date = (
                    select max(trade_date) - 14
                    from raw.daily_bar
                )
                and security_code > (
                    select min(security_code)
                    from raw.daily_bar
                    where trade_date = (select max(trade_date) - 14 from raw.daily_bar)
                )
            returning trade_date
            """
        ).fetchall()
    done = run_lundong(home_copy.home, "refresh", check=False)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    # Both checks, with what they found: which load, which day and what to do.
    assert "loads_add_up: load" in done.stderr
    assert f"have a bar on {rows[0][0]}, below 20% of them" in done.stderr
    assert "load the day's bars" in done.stderr
    assert home_copy.published_path.read_bytes() == before
    status = run_lundong(home_copy.home, "status").stdout
    assert "fail loads_add_up on raw.daily_bar: load" in status


def test_refresh_of_an_empty_store_says_what_to_do(
    tmp_path: Path, run_lundong: RunLundong
) -> None:
    done = run_lundong(tmp_path / "empty", "refresh", check=False)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "lundong sample" in done.stderr
