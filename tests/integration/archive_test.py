"""The archive: what the tables said on an evening, as publications went by."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from warehouse import archive
from warehouse import publish as publish_module
from warehouse.publish import Publication, PublishError, publish

TABLE = "diffusion.fct_diffusion_index_weekly"
KEY = "industry_system, industry_code, trade_week, variant"
FIRST_EVENING = datetime.fromisoformat("2024-01-19 20:00:00")


class Evenings:
    """Publishes one build after the other, a week apart."""

    def __init__(self, build: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        self.build = build
        self.monkeypatch = monkeypatch
        self.shown: dict[datetime, list[tuple[Any, ...]]] = {}

    def publish(self, evening: datetime) -> Publication:
        """Publish the build with the clock at ``evening``; keep what it shows."""

        class Clock(datetime):
            @classmethod
            def now(cls, tz: Any = None) -> datetime:
                return evening.replace(tzinfo=tz)

        self.monkeypatch.setattr(publish_module, "datetime", Clock)
        publication = publish(
            self.build.settings,
            manifest_path=self.build.manifest_path,
            code_version="test",
        )
        self.shown[evening] = read(publication.path, f"from {TABLE} order by all")
        return publication


@pytest.fixture
def evenings(tiny_build: Any, monkeypatch: pytest.MonkeyPatch) -> Evenings:
    return Evenings(tiny_build, monkeypatch)


def read(path: Path, sql: str, *values: object) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(sql, list(values)).fetchall()


AS_PUBLISHED = (
    "from archive.diffusion_index_weekly_as_published(cast(? as timestamp)) "
    "order by all"
)


def test_every_evening_reads_as_it_was(evenings: Evenings) -> None:
    week = timedelta(days=7)
    changes = [
        "select 1",
        # A new week, a revised value, a row that is gone, a value that became NULL.
        f"insert into {TABLE} values "
        "('citic1', 'CI005001', date '2024-01-26', 'default', 0.9, 1)",
        f"update {TABLE} set diffusion_index = 0.15 "
        "where industry_code = 'CI005001' and trade_week = '2024-01-05'",
        f"delete from {TABLE} where trade_week = '2024-01-12'",
        f"update {TABLE} set diffusion_index = null where diffusion_index = 0.9",
        # The revised value is taken back.
        f"update {TABLE} set diffusion_index = 0.1 "
        "where industry_code = 'CI005001' and trade_week = '2024-01-05'",
        "select 1",
    ]
    for number, change in enumerate(changes):
        evenings.build.execute(change)
        publication = evenings.publish(FIRST_EVENING + number * week)

    path = publication.path
    assert len({str(rows) for rows in evenings.shown.values()}) == 6
    for evening, rows in evenings.shown.items():
        assert rows
        for asked in (evening, evening + timedelta(days=3)):
            assert read(path, AS_PUBLISHED, asked) == rows
    assert read(path, AS_PUBLISHED, FIRST_EVENING - timedelta(microseconds=1)) == []
    before_third = FIRST_EVENING + 2 * week - timedelta(seconds=1)
    second = evenings.shown[FIRST_EVENING + week]
    assert read(path, AS_PUBLISHED, before_third) == second


def test_the_archive_grows_by_what_changed(evenings: Evenings) -> None:
    count = f"select count(*) from archive.{TABLE.split('.')[1]}"
    first = evenings.publish(FIRST_EVENING)
    assert read(first.path, count) == [(9,)]
    second = evenings.publish(FIRST_EVENING + timedelta(days=1))
    assert read(second.path, count) == [(9,)]
    evenings.build.execute(
        f"update {TABLE} set diffusion_rank = 9 where trade_week = '2024-01-19'"
    )
    third = evenings.publish(FIRST_EVENING + timedelta(days=2))
    assert read(third.path, count) == [(12,)]
    versions = (
        "select publication_id, last_publication_id, count(*) "
        f"from archive.{TABLE.split('.')[1]} group by all order by all"
    )
    assert read(third.path, versions) == [(1, 2, 3), (1, None, 6), (3, None, 3)]
    unique = (
        f"select count(*), count(distinct ({KEY}, publication_id)) "
        f"from archive.{TABLE.split('.')[1]}"
    )
    assert read(third.path, unique) == [(12, 12)]


def test_a_date_means_the_end_of_the_day(evenings: Evenings) -> None:
    publication = evenings.publish(FIRST_EVENING)
    sql = "select count(*) from archive.rotation_holding_as_published({})"
    for asked, count in {
        "date '2024-01-19'": 1,
        "'2024-01-19'": 1,
        "timestamp '2024-01-19 19:59:59'": 0,
        "'2024-01-19 20:00'": 1,
        "date '2024-01-18'": 0,
        "timestamptz '2024-01-19 12:00:00+00:00'": 1,
        "timestamptz '2024-01-19 19:59:59+08:00'": 0,
        "now()": 1,
    }.items():
        assert read(publication.path, sql.format(asked)) == [(count,)], asked
    in_force = "select publication_id from archive.as_published(date '2030-01-01')"
    assert read(publication.path, in_force) == [(1,)]


def test_columns_that_come_and_go(evenings: Evenings) -> None:
    evenings.publish(FIRST_EVENING)
    evenings.build.execute(
        f"alter table {TABLE} add column member_count bigint;"
        f"update {TABLE} set member_count = 5;"
        f"alter table {TABLE} drop column diffusion_rank"
    )
    publication = evenings.publish(FIRST_EVENING + timedelta(days=1))
    sql = (
        "select count(*), count(member_count), count(diffusion_rank) "
        "from archive.diffusion_index_weekly_as_published(?)"
    )
    evening = FIRST_EVENING + timedelta(days=1)
    assert read(publication.path, sql, FIRST_EVENING) == [(9, 0, 9)]
    assert read(publication.path, sql, evening) == [(9, 9, 0)]


@pytest.mark.parametrize(
    ("former", "shown", "kept"),
    [
        ("double", "bigint", "DOUBLE"),
        ("varchar", "double", "VARCHAR"),
        ("date", "integer", "VARCHAR"),
        ("integer", "bigint", "BIGINT"),
    ],
)
def test_a_column_that_changes_its_type_loses_no_value(
    evenings: Evenings, former: str, shown: str, kept: str
) -> None:
    """Half a rank, a text, a day: what was shown reads so for ever."""
    values = {"double": "2.5", "varchar": "'none'", "date": "date '2024-01-05'"}
    value = values.get(former, "7")
    evenings.build.execute(
        f"alter table {TABLE} add column note {former}; "
        f"update {TABLE} set note = {value}"
    )
    evenings.publish(FIRST_EVENING)
    evenings.build.execute(
        f"alter table {TABLE} drop column note; "
        f"alter table {TABLE} add column note {shown}; update {TABLE} set note = 3"
    )
    evening = FIRST_EVENING + timedelta(days=1)
    path = evenings.publish(evening).path
    sql = (
        "select distinct cast(note as varchar), typeof(note) "
        "from archive.diffusion_index_weekly_as_published(?)"
    )
    assert read(path, sql, FIRST_EVENING) == [
        *read(path, f"select cast(cast({value} as {former}) as varchar), '{kept}'")
    ]
    [(now, kind)] = read(path, sql, evening)
    assert (float(now), kind) == (3, kept)


def test_a_table_no_longer_published_stays_in_the_archive(evenings: Evenings) -> None:
    monthly = "fct_diffusion_index_monthly"
    weekly = evenings.build.model("fct_diffusion_index_weekly")
    evenings.build.manifest["nodes"][monthly] = {
        **weekly,
        "name": monthly,
        "alias": monthly,
    }
    evenings.build.save_manifest()
    evenings.build.execute(f"create table diffusion.{monthly} as from {TABLE}")
    evenings.publish(FIRST_EVENING)

    del evenings.build.manifest["nodes"][monthly]
    evenings.build.save_manifest()
    for days in (1, 2):
        path = evenings.publish(FIRST_EVENING + timedelta(days=days)).path

    asked = "select count(*) from archive.diffusion_index_monthly_as_published(?)"
    assert read(path, asked, FIRST_EVENING) == [(9,)]
    assert read(path, asked, FIRST_EVENING + timedelta(days=1)) == [(0,)]
    left = f"select count(*) from duckdb_tables() where table_name = '{monthly}'"
    assert read(path, left) == [(1,)]


@pytest.mark.parametrize(
    "label", ["factors.fct_factor_ic_weekly", "microcap.fct_microcap_signal"]
)
def test_signals_and_ics_read_as_they_were(evenings: Evenings, label: str) -> None:
    schema, name = label.split(".")
    weekly = evenings.build.model("fct_diffusion_index_weekly")
    evenings.build.manifest["nodes"][name] = {
        **weekly,
        "schema": schema,
        "name": name,
        "alias": name,
    }
    evenings.build.save_manifest()
    evenings.build.execute(
        f"create schema {schema}; create table {label} as from {TABLE}"
    )
    evenings.publish(FIRST_EVENING)
    evenings.build.execute(f"delete from {label} where trade_week = '2024-01-19'")
    later = FIRST_EVENING + timedelta(days=7)
    path = evenings.publish(later).path

    macro = f"archive.{archive.as_published_macro(name)}"
    asked = f"select count(*) from {macro}(cast(? as timestamp))"
    assert read(path, asked, FIRST_EVENING) == [(9,)]
    assert read(path, asked, later) == [(6,)]


def test_comments_and_archive_of_holdings(evenings: Evenings) -> None:
    path = evenings.publish(FIRST_EVENING).path
    comments = read(
        path, "select comment from duckdb_tables() where schema_name = 'archive'"
    )
    assert len(comments) == 2
    assert all(comment for (comment,) in comments)
    columns = read(
        path,
        "select column_name from duckdb_columns() where schema_name = 'archive' "
        "and table_name = 'fct_rotation_holding' order by column_index limit 3",
    )
    assert [name for (name,) in columns] == [
        "publication_id",
        "last_publication_id",
        "strategy_code",
    ]


def test_an_archive_that_lost_rows_is_not_published(
    evenings: Evenings, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert = archive._insert_versions

    def lose(connection: Any, **options: Any) -> None:
        insert(connection, **options)
        connection.execute(f"delete from {options['archived']}")

    monkeypatch.setattr(archive, "_insert_versions", lose)
    with pytest.raises(PublishError, match="the archive shows 0 rows of"):
        evenings.publish(FIRST_EVENING)
