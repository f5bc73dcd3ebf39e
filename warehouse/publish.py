"""Publication: the builder's marts become one new immutable file, swapped in whole.

What is copied, how it is hashed, checked, swapped and kept stands here. Add a check of
the finished file in ``_check_file``; keep anything that makes a number out, that is the
work of a dbt model.
"""

# ruff: noqa: S608 - text is formatted into SQL as quoted identifiers only

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from warehouse.archive import ARCHIVE_SCHEMA, comment_on, write_archive
from warehouse.lock import EXCHANGE_TIME, writer_lock
from warehouse.settings import PROJECT_ROOT, Settings
from warehouse.store import flush, quote_identifier, quote_literal

# Called with what is done, how much of it is done, and how much there is.
Progress = Callable[[str, int, int], None]

# The oldest DuckDB whose clients open the file: drivers of BI tools lag behind.
STORAGE_VERSION = "v1.2.0"
INNER_SCHEMAS = frozenset({"raw", "seeds", "staging", "intermediate"})
DEFAULT_RETENTION = 8
# Tables of so many rows are taken over from the former publication but for the days
# that differ: eleven million rows are compared in half a second and written in four.
LONG_TABLE_ROWS = 200_000
MACROS = PROJECT_ROOT / "sql" / "macros.sql"

# Tables that say what happened on this machine rather than what the data say. A table
# is one too if its model's meta says `run_log: true`.
RUN_LOGS = frozenset(
    {
        "meta_check_result",
        "meta_load",
        "meta_load_finding",
        "meta_model_run",
        "meta_publication",
        "meta_publication_table",
        "meta_rejected_row",
        "meta_training_epoch",
    }
)
# Columns of other tables that differ between two builds of the same data. A column is
# one too if its meta says `run_time: true`.
RUN_TIME_COLUMNS = frozenset(
    {
        "build_id",
        "built_at",
        "checked_at",
        "finished_at",
        "load_id",
        "loaded_at",
        "run_id",
        "started_at",
    }
)

_TARGET = "publication_target"
_PREVIOUS = "publication_previous"
_OWN_TABLES = ("meta_publication", "meta_publication_table")
_TEMPORARY = ".lundong_new.duckdb"
_PARTIAL_VERSION = ".lundong_version.duckdb"

_OWN_DDL = """
create schema if not exists meta;
create table meta.meta_publication (
    publication_id bigint primary key,
    published_at timestamp not null,
    as_of_date date not null,
    code_version varchar not null,
    content_hash varchar not null,
    duckdb_version varchar not null,
    is_generated boolean
);
create table meta.meta_publication_table (
    publication_id bigint not null,
    schema_name varchar not null,
    table_name varchar not null,
    row_count bigint not null,
    content_hash varchar not null,
    is_run_log boolean not null
);
"""
_OWN_COMMENTS = {
    "table meta.meta_publication": (
        "Publications up to this one. One row per publication."
    ),
    "column meta.meta_publication.publication_id": (
        "Number of the publication, rising by one."
    ),
    "column meta.meta_publication.published_at": (
        "When it was published, exchange time (Asia/Shanghai)."
    ),
    "column meta.meta_publication.as_of_date": "Last trading day loaded.",
    "column meta.meta_publication.code_version": "Version of the code that built it.",
    "column meta.meta_publication.content_hash": (
        "Hash over all published rows in any order, without run logs and run times: "
        "equal for two builds of the same data by the same code and DuckDB version."
    ),
    "column meta.meta_publication.duckdb_version": "DuckDB that made the hash.",
    "column meta.meta_publication.is_generated": (
        "Whether rows of the generated sample market were loaded, so that its numbers "
        "are made up; NULL in publications before this was noted."
    ),
    "table meta.meta_publication_table": (
        "Tables of every publication. One row per publication and table."
    ),
    "column meta.meta_publication_table.publication_id": "Publication.",
    "column meta.meta_publication_table.schema_name": "Schema of the table.",
    "column meta.meta_publication_table.table_name": "Name of the table.",
    "column meta.meta_publication_table.row_count": "Rows of the table.",
    "column meta.meta_publication_table.content_hash": (
        "Hash over the table's rows in any order, without run times."
    ),
    "column meta.meta_publication_table.is_run_log": (
        "Whether the table is a log of runs, which the publication's hash leaves out."
    ),
}


class PublishError(RuntimeError):
    """Nothing was published; the message says why and what to do."""


class DamagedFileError(PublishError):
    """The finished file does not hold what was to be published."""


@dataclass(frozen=True)
class Publication:
    """A published version of the warehouse.

    Attributes
    ----------
    publication_id : int
        Rises by one with every publication.
    path : Path
        The pointer, ``published/lundong.duckdb``.
    published_at : datetime
        Exchange time, without a zone.
    as_of_date : date
        Last trading day loaded.
    content_hash : str
        Hash over the published rows in any order, run logs and run times left out.
    row_counts : mapping of str to int
        Rows by ``schema.table``.
    """

    publication_id: int
    path: Path
    published_at: datetime
    as_of_date: date
    content_hash: str
    row_counts: Mapping[str, int]


@dataclass(frozen=True)
class PublishedModel:
    """A model of the dbt manifest that is published."""

    schema: str
    name: str
    description: str
    column_descriptions: Mapping[str, str]
    not_null: tuple[str, ...]
    run_time_columns: frozenset[str]
    is_run_log: bool

    @property
    def label(self) -> str:
        """``schema.table``."""
        return f"{self.schema}.{self.name}"

    @property
    def relation(self) -> str:
        """Quoted name."""
        return f"{quote_identifier(self.schema)}.{quote_identifier(self.name)}"


@dataclass(frozen=True)
class _TableContent:
    """Row count and hash of a published table."""

    schema: str
    name: str
    row_count: int
    content_hash: str
    is_run_log: bool


@dataclass(frozen=True)
class _Changes:
    """What a long table holds, and the days that differ from the former publication."""

    content: _TableContent
    day_column: str
    days: tuple[date, ...]


def publish(
    settings: Settings,
    *,
    manifest_path: Path,
    code_version: str,
    as_of_date: date | None = None,
    retention: int = DEFAULT_RETENTION,
    progress: Progress | None = None,
) -> Publication:
    """Publish the build: copy, archive, check, and swap the pointer.

    A build whose content has not changed is published again all the same: the logs of
    loads and checks in it are new, and ``published_at`` then says that the refresh ran.
    The archive does not grow by it.

    Parameters
    ----------
    manifest_path : Path
        ``manifest.json`` of the dbt run that filled the build; only models named there
        are published, because dbt leaves tables of deleted models behind.
    code_version : str
        Version of the code, stored with the publication.
    as_of_date : date, optional
        Last trading day of the build; the last one of ``raw.daily_bar`` by default.
    retention : int
        Publications kept under ``published/versions``, this one included.
    progress : callable, optional
        Called before each step with its label, the steps done and all steps.

    Raises
    ------
    PublishError
        A table is missing or a check of the finished file failed. The former
        publication stays in place and nothing is left behind.
    StoreLockedError
        Another process loads, builds or publishes.

    Notes
    -----
    Readers are never disturbed: the pointer is replaced in one step, an open connection
    keeps the file it has. A reader that lives long compares (inode, modification time)
    of the pointer and, when they differ, closes all its connections to the path and
    connects again; within one process a connection opened beside an old one shows the
    old publication. The file and the versions are hard links of one another.
    """
    if retention < 1:
        raise PublishError(f"retention is {retention}: at least 1 version must be kept")
    tell = progress or _silent
    models = read_models(manifest_path)
    folder = settings.published_path.parent
    folder.mkdir(parents=True, exist_ok=True)
    with writer_lock(settings, "publication"):
        _remove_leftovers(folder)
        _keep_current(settings)
        temporary = folder / _TEMPORARY

        def write(*, whole: bool) -> Publication:
            written = _write_file(
                settings,
                temporary,
                models,
                code_version=code_version,
                as_of_date=as_of_date,
                whole=whole,
                tell=tell,
            )
            tell("checking", len(models), len(models))
            _check_file(settings, temporary, models, written)
            return written

        try:
            try:
                publication = write(whole=False)
            except DamagedFileError:
                # The former publication may be what is damaged: do without it.
                _remove_leftovers(folder)
                publication = write(whole=True)
            _swap(settings, temporary)
        except (duckdb.Error, OSError) as error:
            cause = str(error).splitlines()[0]
            message = f"nothing was published: {cause}"
            raise PublishError(message) from error
        finally:
            _remove_leftovers(folder)
        _keep_version(settings, publication.publication_id)
        _forget_old_versions(folder, retention)
    return publication


def read_models(manifest_path: Path) -> list[PublishedModel]:
    """Read the published models from a dbt manifest, in order of schema and name.

    Every model is published whose schema is not one of the inner layers.

    Raises
    ------
    PublishError
        The manifest is missing, cannot be read, or names no published model.
    """
    try:
        manifest = json.loads(manifest_path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        message = f"{manifest_path} cannot be read ({error}): run the dbt build first"
        raise PublishError(message) from error
    models = [
        _model(node)
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model"
        and node["config"]["materialized"] != "ephemeral"
        and node["schema"] not in INNER_SCHEMAS
    ]
    models = [model for model in models if model.name not in _OWN_TABLES]
    if not models:
        raise PublishError(f"{manifest_path} names no model to publish")
    return sorted(models, key=lambda model: (model.schema, model.name))


def _model(node: Mapping[str, Any]) -> PublishedModel:
    columns = node["columns"].values()
    meta = node["config"].get("meta") or {}
    return PublishedModel(
        schema=node["schema"],
        name=node.get("alias") or node["name"],
        description=node["description"],
        column_descriptions={c["name"].lower(): c["description"] for c in columns},
        not_null=tuple(
            column["name"]
            for column in columns
            if any(c["type"] == "not_null" for c in column.get("constraints") or ())
        ),
        run_time_columns=frozenset(
            column["name"].lower()
            for column in columns
            if (column.get("meta") or {}).get("run_time")
            or ((column.get("config") or {}).get("meta") or {}).get("run_time")
        ),
        is_run_log=node["name"] in RUN_LOGS or bool(meta.get("run_log")),
    )


def _write_file(
    settings: Settings,
    path: Path,
    models: list[PublishedModel],
    *,
    code_version: str,
    as_of_date: date | None,
    whole: bool,
    tell: Progress,
) -> Publication:
    """Write the new file and flush it to the disk.

    It begins as a copy of the former publication where that has long tables to take
    over, and empty where it has none or ``whole`` is asked for.
    """
    if not settings.build_path.exists():
        message = f"{settings.build_path} does not exist: run `lundong refresh`"
        raise PublishError(message)
    # dbt stores the catalogue's name, the file's stem, inside the build's views.
    build = settings.build_path.stem
    with _connect(settings) as connection:
        _attach(connection, settings.build_path, build, "read_only")
        previous = settings.published_path.exists()
        if previous:
            _attach(connection, settings.published_path, _PREVIOUS, "read_only")
        kinds = _relation_kinds(connection, build)
        missing = [model.label for model in models if model.label not in kinds]
        if missing:
            message = (
                f"the build lacks {', '.join(missing)}, which the manifest names: "
                "run `lundong refresh --full`"
            )
            raise PublishError(message)
        changes: Mapping[str, _Changes] = {}
        if previous and not whole:
            day_columns = _long_tables(connection, models, kinds)
            if day_columns:
                # The former publication is read and copied at the same time.
                with ThreadPoolExecutor(max_workers=1) as copying:
                    copied = copying.submit(
                        shutil.copyfile, settings.published_path, path
                    )
                    changes = {
                        model.label: _changes(
                            connection, build, model, day_columns[model.label]
                        )
                        for model in models
                        if model.label in day_columns
                    }
                    copied.result()
        _attach(connection, path, _TARGET, f"storage_version '{STORAGE_VERSION}'")
        connection.execute(f"use {_TARGET}")
        if changes:
            _drop_all_but(connection, changes)
        connection.execute("begin")
        for schema in sorted({ARCHIVE_SCHEMA, *(model.schema for model in models)}):
            connection.execute(
                f"create schema if not exists {quote_identifier(schema)}"
            )
        # Tables in the order of their creation, so that a foreign key finds its table.
        ordered = sorted(models, key=lambda model: kinds[model.label].order)
        for done, model in enumerate(ordered):
            tell(f"copying {model.label}", done, len(models))
            changed = changes.get(model.label)
            try:
                if changed is None:
                    _copy(connection, build, model, kinds[model.label])
                else:
                    _take_over(connection, build, model, changed)
                _comment(connection, build, model)
            except duckdb.Error as error:
                cause = str(error).splitlines()[0]
                message = f"{model.label} cannot be copied ({cause}): mend its model"
                raise PublishError(message) from error
        # A table is hashed where it was copied from, so that the check of the finished
        # file proves the copy; a view is not computed twice.
        contents = [
            changes[model.label].content
            if model.label in changes
            else _content(
                connection, build if kinds[model.label].ddl else _TARGET, model
            )
            for model in models
        ]
        publication = _stamp(
            connection,
            settings,
            contents,
            previous=previous,
            as_of_date=as_of_date or _last_trade_date(connection, build),
            code_version=code_version,
            is_generated=_is_generated(connection, build),
        )
        connection.execute(MACROS.read_text(encoding="utf-8"))
        tell("archiving", len(models), len(models))
        write_archive(
            connection,
            target=_TARGET,
            previous=_PREVIOUS if previous else None,
            publication_id=publication.publication_id,
            previous_publication_id=(
                publication.publication_id - 1 if previous else None
            ),
        )
        connection.execute("commit")
        connection.execute(f"checkpoint {_TARGET}")
        connection.execute("use memory")
        connection.execute(f"detach {_TARGET}")
    flush(path)
    return publication


@dataclass(frozen=True)
class _Kind:
    """What the build's catalogue says about a relation; ``ddl`` is None for a view."""

    order: int
    ddl: str | None


def _relation_kinds(
    connection: duckdb.DuckDBPyConnection, build: str
) -> dict[str, _Kind]:
    rows = connection.execute(
        """
        select schema_name || '.' || table_name, table_oid, sql
        from duckdb_tables()
        where database_name = $build
        union all
        select schema_name || '.' || view_name, view_oid, null
        from duckdb_views()
        where database_name = $build and not internal
        """,
        {"build": build},
    ).fetchall()
    return {label: _Kind(*rest) for label, *rest in rows}


def _copy(
    connection: duckdb.DuckDBPyConnection,
    build: str,
    model: PublishedModel,
    kind: _Kind,
) -> None:
    """Copy a table with its constraints, or a view's rows."""
    source = f"{quote_identifier(build)}.{model.relation}"
    if kind.ddl is None:
        connection.execute(f"create table {model.relation} as from {source}")
    else:
        connection.execute(kind.ddl)
        connection.execute(f"insert into {model.relation} from {source}")


def _comment(
    connection: duckdb.DuckDBPyConnection, build: str, model: PublishedModel
) -> None:
    """Describe a table and its columns as the models do."""
    comment_on(connection, f"table {model.relation}", model.description)
    columns = connection.execute(
        "select column_name from duckdb_columns() where database_name = ? "
        "and schema_name = ? and table_name = ? order by column_index",
        [build, model.schema, model.name],
    ).fetchall()
    for (name,) in columns:
        comment_on(
            connection,
            f"column {model.relation}.{quote_identifier(name)}",
            model.column_descriptions.get(name.lower()),
        )


def _long_tables(
    connection: duckdb.DuckDBPyConnection,
    models: list[PublishedModel],
    kinds: Mapping[str, _Kind],
) -> dict[str, str]:
    """Return the day column of each long table that the former publication has as is.

    It must have the same columns and constraints now; a table with run times would
    differ on every day.
    """
    former = {
        label: (ddl, days)
        for label, ddl, days in connection.execute(
            """
            select
                t.schema_name || '.' || t.table_name,
                t.sql,
                list(c.column_name order by c.column_index)
                    filter (c.data_type = 'DATE' and not c.is_nullable),
            from duckdb_tables() as t
            inner join duckdb_columns() as c
                on t.database_oid = c.database_oid and t.table_oid = c.table_oid
            where t.database_name = ? and t.estimated_size >= ?
            group by all
            """,
            [_PREVIOUS, LONG_TABLE_ROWS],
        ).fetchall()
    }
    return {
        model.label: former[model.label][1][0]
        for model in models
        if model.label in former
        and former[model.label][0] == kinds[model.label].ddl
        and former[model.label][1]
        and not model.is_run_log
        and not model.run_time_columns
    }


def _drop_all_but(connection: duckdb.DuckDBPyConnection, kept: Container[str]) -> None:
    """Empty the copy of the former publication but for its long tables.

    A checkpoint follows, so that what is written next takes the space set free.
    """
    macros = connection.execute(
        """
        select distinct
            if(function_type = 'table_macro', 'macro table', 'macro'),
            schema_name,
            function_name,
        from duckdb_functions()
        where database_name = ? and not internal
        """,
        [_TARGET],
    ).fetchall()
    tables = connection.execute(
        "select 'table', schema_name, table_name from duckdb_tables() "
        "where database_name = ? order by table_oid desc",
        [_TARGET],
    ).fetchall()
    for kind, schema, name in (*macros, *tables):
        if f"{schema}.{name}" not in kept:
            relation = f"{quote_identifier(schema)}.{quote_identifier(name)}"
            connection.execute(f"drop {kind} {relation}")
    connection.execute(f"checkpoint {_TARGET}")


def _changes(
    connection: duckdb.DuckDBPyConnection,
    build: str,
    model: PublishedModel,
    day_column: str,
) -> _Changes:
    """Return what a table holds, and the days on which the former publication differs.

    One scan of either tells both. Days differ by run times too, which what a table
    holds is told without.
    """
    columns = _hashed_columns(connection, build, model)
    every = _columns(connection, build, model)
    day = quote_identifier(day_column)

    def digest(catalogue: str) -> str:
        held = "digest" if every == columns else _digest(columns)
        return (
            f"select {day} as day, count(*) as row_count, "
            f"{_digest(every)} as digest, {held} as held "
            f"from {quote_identifier(catalogue)}.{model.relation} group by {day}"
        )

    row = connection.execute(
        f"""
        select
            coalesce(sum(new.row_count), 0),
            coalesce(sum(new.held), 0),
            list(coalesce(new.day, former.day)) filter (
                where new.digest is distinct from former.digest
                or new.row_count is distinct from former.row_count
            ),
        from ({digest(build)}) as new
        full join ({digest(_PREVIOUS)}) as former on new.day = former.day
        """
    ).fetchone()
    if row is None:
        raise PublishError(f"{model.label} gave no count")
    row_count, total, days = row
    content = _table_content(model, columns, int(row_count), int(total))
    return _Changes(content, day_column, tuple(days or ()))


def _take_over(
    connection: duckdb.DuckDBPyConnection,
    build: str,
    model: PublishedModel,
    changes: _Changes,
) -> None:
    """Write the days anew on which a table differs from the former publication."""
    source = f"{quote_identifier(build)}.{model.relation}"
    chosen = f"{quote_identifier(changes.day_column)} in (select unnest(?::date[]))"
    days = [list(changes.days)]
    connection.execute(f"delete from {model.relation} where {chosen}", days)
    connection.execute(
        f"insert into {model.relation} from {source} where {chosen}", days
    )


def _columns(
    connection: duckdb.DuckDBPyConnection, catalogue: str, model: PublishedModel
) -> list[tuple[str, str]]:
    """Return names and types of the columns, in order of names."""
    return connection.execute(
        "select column_name, data_type from duckdb_columns() where database_name = ? "
        "and schema_name = ? and table_name = ? order by column_name",
        [catalogue, model.schema, model.name],
    ).fetchall()


def _hashed_columns(
    connection: duckdb.DuckDBPyConnection, catalogue: str, model: PublishedModel
) -> list[tuple[str, str]]:
    """Return the columns without run times."""
    left_out = RUN_TIME_COLUMNS | model.run_time_columns
    return [
        column
        for column in _columns(connection, catalogue, model)
        if column[0].lower() not in left_out
    ]


def _digest(columns: Sequence[tuple[str, str]]) -> str:
    """Return SQL of the sum of the rows' hashes.

    Equal rows do not cancel, as they would under exclusive or.
    """
    names = ", ".join(quote_identifier(name) for name, _ in columns) or "1"
    return f"coalesce(sum(hash({names})), 0)"


def _content(
    connection: duckdb.DuckDBPyConnection, catalogue: str, model: PublishedModel
) -> _TableContent:
    """Count and hash the rows of a table in one scan."""
    columns = _hashed_columns(connection, catalogue, model)
    row = connection.execute(
        f"select count(*), {_digest(columns)} "
        f"from {quote_identifier(catalogue)}.{model.relation}"
    ).fetchone()
    if row is None:
        raise PublishError(f"{model.label} gave no count")
    return _table_content(model, columns, row[0], int(row[1]))


def _table_content(
    model: PublishedModel,
    columns: Sequence[tuple[str, str]],
    row_count: int,
    digest: int,
) -> _TableContent:
    """Hash the sum of a table's rows with the names and types of its columns."""
    text = json.dumps([model.label, columns, row_count, str(digest)])
    return _TableContent(
        schema=model.schema,
        name=model.name,
        row_count=row_count,
        content_hash=hashlib.sha256(text.encode()).hexdigest(),
        is_run_log=model.is_run_log,
    )


def _total_hash(contents: list[_TableContent]) -> str:
    lines = [
        f"{content.schema}.{content.name} {content.content_hash}\n"
        for content in contents
        if not content.is_run_log
    ]
    return hashlib.sha256("".join(sorted(lines)).encode()).hexdigest()


def _stamp(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    contents: list[_TableContent],
    *,
    previous: bool,
    as_of_date: date,
    code_version: str,
    is_generated: bool,
) -> Publication:
    """Write the publication's own tables, with the former publications' rows."""
    connection.execute(_OWN_DDL)
    for item, comment in _OWN_COMMENTS.items():
        comment_on(connection, item, comment)
    # A clock that was set back must not let two publications change places.
    published_at = datetime.now(EXCHANGE_TIME).replace(tzinfo=None)
    former_id = 0
    if previous:
        for table in _OWN_TABLES:
            connection.execute(
                f"insert into meta.{table} by name from {_PREVIOUS}.meta.{table}"
            )
        row = connection.execute(
            "select publication_id, published_at from meta.meta_publication "
            "order by publication_id desc limit 1"
        ).fetchone()
        if row is None:
            message = (
                f"{settings.published_path} names no publication: move it away, or put "
                "one of published/versions in its place"
            )
            raise PublishError(message)
        former_id = row[0]
        published_at = max(published_at, row[1] + timedelta(microseconds=1))
    publication = Publication(
        publication_id=former_id + 1,
        path=settings.published_path,
        published_at=published_at,
        as_of_date=as_of_date,
        content_hash=_total_hash(contents),
        row_counts={f"{c.schema}.{c.name}": c.row_count for c in contents},
    )
    connection.execute(
        "insert into meta.meta_publication values (?, ?, ?, ?, ?, ?, ?)",
        [
            publication.publication_id,
            publication.published_at,
            publication.as_of_date,
            code_version,
            publication.content_hash,
            duckdb.__version__,
            is_generated,
        ],
    )
    connection.executemany(
        "insert into meta.meta_publication_table values (?, ?, ?, ?, ?, ?)",
        [
            [
                publication.publication_id,
                content.schema,
                content.name,
                content.row_count,
                content.content_hash,
                content.is_run_log,
            ]
            for content in contents
        ],
    )
    return publication


def _is_generated(connection: duckdb.DuckDBPyConnection, build: str) -> bool:
    row = connection.execute(
        "select count(*) > 0 "
        f"from {quote_identifier(build)}.raw.load "
        "where source = 'sample' and row_count_accepted > 0"
    ).fetchone()
    return bool(row and row[0])


def _last_trade_date(connection: duckdb.DuckDBPyConnection, build: str) -> date:
    row = connection.execute(
        f"select max(trade_date) from {quote_identifier(build)}.raw.daily_bar"
    ).fetchone()
    if row is None or row[0] is None:
        raise PublishError("no daily bars are loaded: run `lundong sample` or `load`")
    last: date = row[0]
    return last


def _check_file(
    settings: Settings,
    path: Path,
    models: list[PublishedModel],
    publication: Publication,
) -> None:
    """Open the finished file as a reader would and hold it against the build.

    Raises
    ------
    PublishError
        Names the first table that differs, and how.
    """
    build = settings.build_path.stem
    with _connect(settings) as connection:
        _attach(connection, path, _TARGET, "read_only")
        _attach(connection, settings.build_path, build, "read_only")
        connection.execute(f"use {_TARGET}")
        contents = []
        for model in models:
            content = _content(connection, _TARGET, model)
            source = connection.execute(
                f"select count(*) from {quote_identifier(build)}.{model.relation}"
            ).fetchone()
            if source is None or content.row_count != source[0]:
                message = (
                    f"{model.label} has {content.row_count} rows in the new file and "
                    f"{source and source[0]} in the build: publish again"
                )
                raise DamagedFileError(message)
            for column in model.not_null:
                _check_not_null(connection, model, column)
            contents.append(content)
        if _total_hash(contents) != publication.content_hash:
            raise DamagedFileError(
                f"{path} was not written whole: its hash differs from the one copied; "
                "check the disk, then publish again"
            )
        _check_archive(connection, publication)


def _check_not_null(
    connection: duckdb.DuckDBPyConnection, model: PublishedModel, column: str
) -> None:
    row = connection.execute(
        f"select count(*) from {model.relation} "
        f"where {quote_identifier(column)} is null"
    ).fetchone()
    if row is None or row[0]:
        message = (
            f"{model.label}.{column} must not be NULL but is in {row and row[0]} rows: "
            "mend the model, then refresh"
        )
        raise PublishError(message)


def _check_archive(
    connection: duckdb.DuckDBPyConnection, publication: Publication
) -> None:
    """Hold the archive's open rows against the tables that they stand for."""
    names = connection.execute(
        "select t.schema_name || '.' || t.table_name, a.table_name "
        "from duckdb_tables() as a inner join duckdb_tables() as t "
        "on t.database_name = a.database_name and t.table_name = a.table_name "
        "and t.schema_name != a.schema_name "
        "where a.database_name = ? and a.schema_name = ?",
        [_TARGET, ARCHIVE_SCHEMA],
    ).fetchall()
    for label, name in names:
        row = connection.execute(
            f"select count(*) from {ARCHIVE_SCHEMA}.{quote_identifier(name)} "
            "where last_publication_id is null"
        ).fetchone()
        if row is None or row[0] != publication.row_counts[label]:
            message = (
                f"the archive shows {row and row[0]} rows of {label}, the table has "
                f"{publication.row_counts[label]}: publish again"
            )
            raise PublishError(message)


def _swap(settings: Settings, temporary: Path) -> None:
    """Put the new file in the pointer's place in one step."""
    temporary.chmod(0o444)
    temporary.replace(settings.published_path)
    flush(settings.published_path.parent)


def _keep_current(settings: Settings) -> None:
    """Make up for a process killed between the swap and keeping the version."""
    if not settings.published_path.exists():
        return
    with _connect(settings) as connection:
        _attach(connection, settings.published_path, _PREVIOUS, "read_only")
        try:
            row = connection.execute(
                f"select max(publication_id) from {_PREVIOUS}.meta.meta_publication"
            ).fetchone()
        except duckdb.CatalogException:
            row = None
    if row is None or row[0] is None:
        message = (
            f"{settings.published_path} is not a publication: move it away, or put one "
            "of published/versions in its place"
        )
        raise PublishError(message)
    _keep_version(settings, row[0])


def _keep_version(settings: Settings, publication_id: int) -> None:
    """Keep the current publication under a second name, where it is not kept yet."""
    folder = settings.published_path.parent / "versions"
    version = folder / f"lundong_{publication_id:06d}.duckdb"
    if version.exists():
        return
    folder.mkdir(exist_ok=True)
    try:
        version.hardlink_to(settings.published_path)
    except OSError:
        # A disk without hard links: copy under a name that a killed copy may leave.
        partial = settings.published_path.parent / _PARTIAL_VERSION
        shutil.copy2(settings.published_path, partial)
        flush(partial)
        partial.replace(version)
    flush(folder)


def _forget_old_versions(folder: Path, retention: int) -> None:
    for path in sorted((folder / "versions").glob("lundong_*.duckdb"))[:-retention]:
        path.unlink()


def _remove_leftovers(folder: Path) -> None:
    """Remove what a publication that failed or was killed left in the folder."""
    for path in folder.glob(".lundong_*.duckdb*"):
        with suppress(FileNotFoundError):
            path.unlink()


@contextmanager
def _connect(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    connection = duckdb.connect(
        config={
            "memory_limit": settings.memory_limit,
            "threads": settings.threads,
            "temp_directory": str(settings.home / "spill"),
        }
    )
    try:
        connection.execute("set TimeZone = 'Asia/Shanghai'")
        yield connection
    finally:
        connection.close()


def _attach(
    connection: duckdb.DuckDBPyConnection, path: Path, name: str, options: str
) -> None:
    catalogue = quote_identifier(name)
    try:
        connection.execute(
            f"attach {quote_literal(str(path))} as {catalogue} ({options})"
        )
    except duckdb.Error as error:
        cause = str(error).splitlines()[0]
        message = f"{path} cannot be opened ({cause}): end what uses it, or restore it"
        raise PublishError(message) from error


def _silent(_label: str, _done: int, _total: int) -> None:
    """Take the place of a progress display where none is wanted."""
