"""Publication: what is copied, what stops it, and what readers find afterwards."""

from __future__ import annotations

import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

from warehouse import publish as publish_module
from warehouse.lock import StoreLockedError
from warehouse.publish import Publication, PublishError, publish
from warehouse.settings import Settings

PUBLISHED = {
    "core.dim_industry_member",
    "core.dim_trade_week",
    "core.fct_tradability_daily",
    "diffusion.fct_diffusion_index_weekly",
    "meta.meta_load",
    "meta.meta_st_count",
    "meta.meta_summary",
    "rotation.fct_rotation_holding",
}


def run(build: Any, **options: Any) -> Publication:
    return publish(
        build.settings,
        manifest_path=build.manifest_path,
        code_version="test",
        **options,
    )


def read(path: Path, sql: str, *values: object) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(sql, list(values)).fetchall()


def in_a_fresh_process(path: Path, sql: str) -> str:
    code = (
        "import duckdb, sys\n"
        "connection = duckdb.connect(sys.argv[1], read_only=True)\n"
        "print(connection.execute(sys.argv[2]).fetchone()[0])\n"
    )
    return subprocess.run(
        [sys.executable, "-c", code, str(path), sql],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()


def folder_names(settings: Settings) -> set[str]:
    return {path.name for path in settings.published_path.parent.iterdir()}


def test_publishes_what_the_manifest_names(tiny_build: Any) -> None:
    publication = run(tiny_build)

    assert publication.publication_id == 1
    assert publication.as_of_date.isoformat() == "2024-01-19"
    assert set(publication.row_counts) == PUBLISHED
    assert publication.row_counts["core.fct_tradability_daily"] == 2000
    tables = read(
        publication.path,
        "select schema_name || '.' || table_name from duckdb_tables() "
        "where schema_name != 'archive'",
    )
    own = {"meta.meta_publication", "meta.meta_publication_table"}
    assert {name for (name,) in tables} == PUBLISHED | own


def test_keeps_constraints_and_comments(tiny_build: Any) -> None:
    path = run(tiny_build).path

    constraints = read(
        path,
        "select constraint_type, constraint_text from duckdb_constraints() "
        "where table_name in ('dim_trade_week', 'fct_tradability_daily')",
    )
    kinds = [kind for kind, _ in constraints]
    assert kinds.count("NOT NULL") >= 6
    assert kinds.count("PRIMARY KEY") == 1
    assert any("limit_up_cny > 0" in text for _, text in constraints)
    comments = dict(
        read(
            path,
            "select table_name, comment from duckdb_tables() where schema_name "
            "in ('core', 'meta')",
        )
    )
    assert comments["fct_tradability_daily"] == (
        "Model fct_tradability_daily. It's read."
    )
    assert comments["meta_st_count"] == "Model meta_st_count. It's read."
    assert all(comments.values())
    columns = dict(
        read(
            path,
            "select table_name || '.' || column_name, comment from duckdb_columns()",
        )
    )
    assert columns["fct_tradability_daily.is_st"] == (
        "Whether it's under special treatment."
    )
    assert columns["meta_st_count.trade_date"] == "Day."
    assert columns["meta_publication.content_hash"].startswith("Hash over")


def test_file_is_whole_and_of_an_old_storage_version(tiny_build: Any) -> None:
    settings = tiny_build.settings
    path = run(tiny_build).path

    assert folder_names(settings) == {"lundong.duckdb", "versions"}
    assert not stat.S_IMODE(path.stat().st_mode) & 0o222
    version = path.parent / "versions" / "lundong_000001.duckdb"
    assert version.samefile(path)
    tags = "select tags['storage_version'] from duckdb_databases() where path = ?"
    assert read(path, tags, str(path)) == [("v1.2.0+",)]


def test_two_builds_of_the_same_data_have_one_hash(tiny_build: Any) -> None:
    first = run(tiny_build)
    # The same rows in another order, loaded and checked at another time.
    tiny_build.execute(
        """
        create table shuffled as from core.fct_tradability_daily order by random();
        delete from core.fct_tradability_daily;
        insert into core.fct_tradability_daily from shuffled;
        drop table shuffled;
        insert into meta.meta_load values (2, now());
        update meta.meta_summary set checked_at = checked_at + interval 1 hour;
        """
    )
    second = run(tiny_build)

    assert second.publication_id == 2
    assert second.published_at > first.published_at
    assert second.content_hash == first.content_hash
    hashes = read(
        second.path,
        "select count(distinct content_hash) from meta.meta_publication_table "
        "where not is_run_log group by table_name",
    )
    assert set(hashes) == {(1,)}


@pytest.mark.parametrize(
    "change",
    [
        "update core.fct_tradability_daily set is_st = not is_st "
        "where security_code = '600005.SH' and trade_date = '2024-01-03'",
        "insert into core.fct_tradability_daily "
        "from core.fct_tradability_daily limit 2",
        "update meta.meta_summary set value = 0.5000000000000001",
        "update rotation.fct_rotation_holding set asset_code = 'CI005002'",
    ],
    ids=["one value", "rows twice", "last bit of a double", "holding"],
)
def test_a_changed_value_changes_the_hash(tiny_build: Any, change: str) -> None:
    first = run(tiny_build)
    tiny_build.execute(change)
    assert run(tiny_build).content_hash != first.content_hash


def test_a_column_can_be_declared_as_run_time(tiny_build: Any) -> None:
    tiny_build.model("meta_summary")["columns"]["value"] = {
        "name": "value",
        "description": "Seconds.",
        "config": {"meta": {"run_time": True}},
    }
    tiny_build.model("fct_rotation_holding")["config"]["meta"] = {"run_log": True}
    tiny_build.save_manifest()
    first = run(tiny_build)
    tiny_build.execute(
        "update meta.meta_summary set value = 7; "
        "update rotation.fct_rotation_holding set weight = 0.5"
    )
    assert run(tiny_build).content_hash == first.content_hash


@pytest.mark.parametrize(
    ("loads", "is_generated"),
    [
        ("", False),
        ("('folder', 100)", False),
        ("('folder', 100), ('sample', 0)", False),
        ("('folder', 100), ('sample', 20)", True),
    ],
    ids=["none", "files", "nothing taken", "both"],
)
def test_a_publication_says_that_its_data_are_made_up(
    tiny_build: Any, loads: str, is_generated: bool
) -> None:
    if loads:
        tiny_build.execute(f"insert into raw.load values {loads}")
    path = run(tiny_build).path
    told = "select is_generated from meta.meta_publication"
    assert read(path, told) == [(is_generated,)]


def test_publications_are_counted_and_kept_in_order(
    tiny_build: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = run(tiny_build)

    class SetBack(publish_module.datetime):  # type: ignore[name-defined,misc]
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return cls(2020, 1, 1, tzinfo=tz)

    monkeypatch.setattr(publish_module, "datetime", SetBack)
    second = run(tiny_build)

    assert second.published_at > first.published_at
    rows = read(
        second.path,
        "select publication_id, published_at, as_of_date, code_version, content_hash "
        "from meta.meta_publication order by publication_id",
    )
    assert rows == [
        (p.publication_id, p.published_at, p.as_of_date, "test", p.content_hash)
        for p in (first, second)
    ]


LONG = "core.fct_tradability_daily"


def copied_whole(
    build: Any, monkeypatch: pytest.MonkeyPatch
) -> tuple[Publication, list[str]]:
    """Publish with 1,000 rows as a long table; return what was copied whole too."""
    labels = []
    copy = publish_module._copy

    def note(connection: Any, catalogue: str, model: Any, kind: Any) -> None:
        labels.append(model.label)
        copy(connection, catalogue, model, kind)

    with monkeypatch.context() as patch:
        patch.setattr(publish_module, "LONG_TABLE_ROWS", 1000)
        patch.setattr(publish_module, "_copy", note)
        publication = run(build)
    return publication, labels


def test_a_day_that_differs_in_run_times_alone_is_written_anew(
    tiny_build: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    columns = publish_module.RUN_TIME_COLUMNS | {"limit_up_cny"}
    monkeypatch.setattr(publish_module, "RUN_TIME_COLUMNS", columns)
    first = run(tiny_build)
    tiny_build.execute(
        "update core.fct_tradability_daily set limit_up_cny = 11.5 "
        "where trade_date = '2024-01-03'"
    )

    second, copied = copied_whole(tiny_build, monkeypatch)

    assert LONG not in copied
    assert second.content_hash == first.content_hash
    shown = "select distinct limit_up_cny from core.fct_tradability_daily "
    shown += "where trade_date = '2024-01-03'"
    assert read(second.path, shown) == [(11.5,)]


@pytest.mark.parametrize(
    "change",
    [
        "select 1",
        "update core.fct_tradability_daily set limit_up_cny = 11.5 "
        "where trade_date = '2024-01-03'",
        "update core.fct_tradability_daily set limit_up_cny = null, is_st = true "
        "where security_code = '600005.SH' and trade_date = '2024-01-20'",
        "delete from core.fct_tradability_daily where trade_date < '2024-01-04'",
        "insert into core.fct_tradability_daily select trade_date + 20, * exclude "
        "(trade_date) from core.fct_tradability_daily",
        "insert into core.fct_tradability_daily "
        "from core.fct_tradability_daily where trade_date = '2024-01-04'",
        "update core.fct_tradability_daily set trade_date = trade_date + 1",
    ],
    ids=["nothing", "a day", "a row", "days gone", "days new", "rows twice", "shifted"],
)
def test_only_the_days_that_differ_are_written_anew(
    tiny_build: Any, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    first = run(tiny_build)
    tiny_build.execute(change)

    second, copied = copied_whole(tiny_build, monkeypatch)

    assert set(copied) == PUBLISHED - {LONG}
    whole = run(tiny_build)
    assert second.content_hash == whole.content_hash
    assert (second.content_hash == first.content_hash) == (change == "select 1")
    version = second.path.parent / "versions" / "lundong_000002.duckdb"
    for table in (*PUBLISHED, "archive.fct_diffusion_index_weekly"):
        rows = f"from {table} order by all"
        assert read(version, rows) == read(whole.path, rows), table
    catalogue = (
        "select schema_name, table_name, column_name, data_type, is_nullable, comment "
        "from duckdb_columns() where not internal order by all",
        "select schema_name, table_name, sql, comment from duckdb_tables() "
        "order by all",
        "select schema_name, function_name, macro_definition from duckdb_functions() "
        "where not internal order by all",
        "select tags['storage_version'] from duckdb_databases() where not internal",
    )
    for sql in catalogue:
        assert read(version, sql) == read(whole.path, sql), sql
    assert read(version, "select latest_day()") == read(
        whole.path, "select latest_day()"
    )


def test_a_table_taken_over_is_described_anew(
    tiny_build: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(tiny_build)
    node = tiny_build.model("fct_tradability_daily")
    node["description"] = "What could be traded, told better."
    node["columns"]["trade_date"]["description"] = "Open day."
    del node["columns"]["is_st"]
    tiny_build.save_manifest()

    publication, copied = copied_whole(tiny_build, monkeypatch)

    assert LONG not in copied
    columns = dict(
        read(
            publication.path,
            "select column_name, comment from duckdb_columns() "
            "where table_name = 'fct_tradability_daily'",
        )
    )
    assert columns["trade_date"] == "Open day."
    assert columns["is_st"] is None
    assert read(
        publication.path,
        "select comment from duckdb_tables() "
        "where table_name = 'fct_tradability_daily'",
    ) == [("What could be traded, told better.",)]


@pytest.mark.parametrize(
    "change",
    [
        "alter table core.fct_tradability_daily add column is_new boolean",
        "alter table core.fct_tradability_daily alter is_st type integer",
        "alter table core.fct_tradability_daily alter security_code drop not null",
    ],
    ids=["column", "type", "constraint"],
)
def test_a_long_table_of_another_shape_is_copied_whole(
    tiny_build: Any, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    run(tiny_build)
    tiny_build.execute(
        "drop view meta.meta_st_count; drop view staging.stg_tradability"
    )
    del tiny_build.manifest["nodes"]["model.lundong.meta_st_count"]
    tiny_build.save_manifest()
    tiny_build.execute(change)
    _, copied = copied_whole(tiny_build, monkeypatch)
    assert LONG in copied


def test_what_is_wrong_with_the_former_publication_is_not_taken_over(
    tiny_build: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows that were taken over turn out wrong: the file is written whole."""
    first = run(tiny_build)
    take_over = publish_module._take_over

    def damage(connection: Any, *arguments: Any) -> None:
        take_over(connection, *arguments)
        connection.execute(
            f"update {LONG} set is_st = not is_st where security_code = '600001.SH'"
        )

    monkeypatch.setattr(publish_module, "_take_over", damage)
    second, copied = copied_whole(tiny_build, monkeypatch)
    assert LONG in copied
    assert second.publication_id == 2
    assert second.content_hash == first.content_hash
    assert folder_names(tiny_build.settings) == {"lundong.duckdb", "versions"}


def test_a_file_does_not_grow_by_being_published_again(
    tiny_build: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_build.execute(
        "insert into core.fct_tradability_daily select t.* replace "
        "(t.trade_date + cast(i * 20 as integer) as trade_date) "
        "from core.fct_tradability_daily as t cross join range(1, 100) as r (i)"
    )
    run(tiny_build)
    sizes = [
        copied_whole(tiny_build, monkeypatch)[0].path.stat().st_size for _ in range(4)
    ]
    assert sizes[-1] <= sizes[0]


def failing_builds() -> dict[str, tuple[str, str]]:
    return {
        "missing table": ("drop table core.dim_trade_week", "core.dim_trade_week"),
        "key is NULL": (
            "create or replace view meta.meta_st_count as "
            "select cast(null as date) as trade_date, 1 as st_count",
            r"meta_st_count\.trade_date must not be NULL but is in 1 rows",
        ),
        "broken view": (
            "alter table core.fct_tradability_daily rename is_st to is_special",
            "meta_st_count",
        ),
        "nothing loaded": ("delete from raw.daily_bar", "no daily bars are loaded"),
    }


@pytest.mark.parametrize(
    ("change", "message"), failing_builds().values(), ids=failing_builds().keys()
)
def test_a_failed_check_publishes_nothing(
    tiny_build: Any, change: str, message: str
) -> None:
    first = run(tiny_build)
    before = first.path.stat()
    names = folder_names(tiny_build.settings)
    tiny_build.execute(change)

    with pytest.raises(PublishError, match=message) as error:
        run(tiny_build)

    assert "\n" not in str(error.value)
    after = first.path.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert folder_names(tiny_build.settings) == names
    count = "select count(*) from meta.meta_publication"
    assert in_a_fresh_process(first.path, count) == "1"


def test_rows_lost_on_the_way_stop_the_publication(
    tiny_build: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    flush = publish_module.flush

    def lose_a_row(path: Path) -> None:
        if path.name.startswith(".lundong_new"):
            with duckdb.connect(str(path)) as connection:
                connection.execute(
                    "delete from core.fct_tradability_daily "
                    "where security_code = '600001.SH'"
                )
        flush(path)

    monkeypatch.setattr(publish_module, "flush", lose_a_row)
    with pytest.raises(PublishError, match="has 1980 rows in the new file and 2000"):
        run(tiny_build)
    assert folder_names(tiny_build.settings) <= {"versions"}


def test_a_value_altered_on_the_way_stops_the_publication(
    tiny_build: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    flush = publish_module.flush

    def alter(path: Path) -> None:
        if path.name.startswith(".lundong_new"):
            with duckdb.connect(str(path)) as connection:
                connection.execute("update core.dim_trade_week set is_complete = false")
        flush(path)

    monkeypatch.setattr(publish_module, "flush", alter)
    with pytest.raises(PublishError, match="was not written whole"):
        run(tiny_build)
    assert folder_names(tiny_build.settings) <= {"versions"}


def test_a_reader_keeps_its_version_and_the_next_sees_the_new(tiny_build: Any) -> None:
    path = run(tiny_build).path
    hold = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import duckdb, sys\n"
            "c = duckdb.connect(sys.argv[1], read_only=True)\n"
            "print('open', flush=True)\n"
            "sys.stdin.readline()\n"
            "print(c.execute('select count(*), max(publication_id) "
            "from meta.meta_publication, core.dim_trade_week').fetchall())\n",
            str(path),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert hold.stdout is not None
    assert hold.stdout.readline() == "open\n"
    run(tiny_build)
    newest = "select max(publication_id) from meta.meta_publication"
    assert in_a_fresh_process(path, newest) == "2"
    output, _ = hold.communicate("go\n", timeout=30)
    assert output.strip() == "[(3, 1)]"


def test_retention(tiny_build: Any) -> None:
    for _ in range(4):
        publication = run(tiny_build, retention=2)
    versions = publication.path.parent / "versions"
    assert sorted(path.name for path in versions.iterdir()) == [
        "lundong_000003.duckdb",
        "lundong_000004.duckdb",
    ]
    newest = "select max(publication_id) from meta.meta_publication"
    assert read(versions / "lundong_000003.duckdb", newest) == [(3,)]
    assert read(publication.path, newest) == [(4,)]
    with pytest.raises(PublishError, match="at least 1"):
        run(tiny_build, retention=0)


def test_a_killed_publication_is_made_up_for(tiny_build: Any) -> None:
    first = run(tiny_build)
    folder = first.path.parent
    # Killed while writing, and killed between the pointer and the version's name.
    (folder / ".lundong_new.duckdb").write_bytes(b"half a file")
    (folder / ".lundong_new.duckdb.wal").write_bytes(b"half a log")
    (folder / "versions" / "lundong_000001.duckdb").unlink()

    second = run(tiny_build)

    assert second.publication_id == 2
    assert folder_names(tiny_build.settings) == {"lundong.duckdb", "versions"}
    assert sorted(path.name for path in (folder / "versions").iterdir()) == [
        "lundong_000001.duckdb",
        "lundong_000002.duckdb",
    ]


def test_a_disk_without_hard_links_keeps_versions_too(
    tiny_build: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("no hard links")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    publication = run(tiny_build)
    version = publication.path.parent / "versions" / "lundong_000001.duckdb"
    assert not version.samefile(publication.path)
    assert version.read_bytes() == publication.path.read_bytes()


def test_only_one_process_publishes(tiny_build: Any) -> None:
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from warehouse.lock import writer_lock\n"
        "from warehouse.settings import Settings\n"
        "with writer_lock(Settings(home=Path(sys.argv[1])), 'a load'):\n"
        "    print('held', flush=True)\n"
        "    sys.stdin.readline()\n"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", code, str(tiny_build.settings.home)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert other.stdout is not None
    assert other.stdout.readline() == "held\n"
    with pytest.raises(StoreLockedError, match="a load"):
        run(tiny_build)
    other.communicate("go\n", timeout=30)
    assert run(tiny_build).publication_id == 1


@pytest.mark.parametrize("content", ["not json", '{"nodes": {}}', None])
def test_a_bad_manifest_is_one_line(tiny_build: Any, content: str | None) -> None:
    tiny_build.manifest_path.unlink()
    if content is not None:
        tiny_build.manifest_path.write_text(content)
    with pytest.raises(PublishError, match=r"manifest\.json") as error:
        run(tiny_build)
    assert "\n" not in str(error.value)


def test_a_damaged_publication_is_not_replaced(tiny_build: Any) -> None:
    path = run(tiny_build).path
    shutil.rmtree(path.parent / "versions")
    path.unlink()
    path.write_bytes(b"damaged" * 1000)
    with pytest.raises(PublishError, match="cannot be opened"):
        run(tiny_build)
    path.unlink()
    with duckdb.connect(str(path)) as connection:
        connection.execute("create table foreign_table (i integer)")
    with pytest.raises(PublishError, match="is not a publication"):
        run(tiny_build)


def test_everything_published_is_described(small_settings: Settings) -> None:
    path = small_settings.published_path
    items = read(
        path,
        "select schema_name || '.' || table_name, comment from duckdb_tables() "
        "union all "
        "select schema_name || '.' || table_name || '.' || column_name, comment "
        "from duckdb_columns() where not internal",
    )
    assert len(items) > 300
    assert [name for name, comment in items if not comment] == []
    guarded = read(
        path,
        "select distinct table_name from duckdb_constraints() "
        "where constraint_type = 'NOT NULL'",
    )
    tables = read(
        path,
        "select distinct table_name from duckdb_tables() "
        "where starts_with(table_name, 'dim_') or starts_with(table_name, 'fct_')",
    )
    assert {name for (name,) in tables} <= {name for (name,) in guarded}
