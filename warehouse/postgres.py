"""Publication to PostgreSQL: the published tables again, for tools that stay connected.

How the tables of the published file get into a PostgreSQL database, are checked and
swapped in stands here. Add a type to ``TYPES`` when a published column has a new one;
keep what makes a number out, what makes the published file (``publish``), and what
others made over the tables (``postgres_views``).
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

import duckdb
import psycopg
import pyarrow as pa
import pyarrow.csv as pacsv
from psycopg import errors, sql

from warehouse.postgres_views import (
    find_views,
    lock_views,
    run_statements,
    write_statements,
)
from warehouse.publish import Progress, PublishError
from warehouse.settings import Settings
from warehouse.store import connect_published, quote_identifier

# PostgreSQL's name of each type of a published column.
TYPES = {
    "BIGINT": "bigint",
    "BOOLEAN": "boolean",
    "DATE": "date",
    "DOUBLE": "double precision",
    "INTEGER": "integer",
    "TIMESTAMP": "timestamp",
    "TIMESTAMP WITH TIME ZONE": "timestamptz",
    "VARCHAR": "text",
}
# How Arrow reads back what PostgreSQL writes; times are cast by DuckDB.
ARROW_TYPES = {
    "BIGINT": pa.int64(),
    "BOOLEAN": pa.bool_(),
    "DATE": pa.date32(),
    "DOUBLE": pa.float64(),
    "INTEGER": pa.int32(),
}
DEFAULT_READER = "lundong_reader"
DEFAULT_WAIT_SECONDS = 60.0
NEXT, FORMER = "__next", "__former"
# Marks a schema as ours, so that nobody else's is ever replaced.
MARK = "Lundong publication"
# Publications to one database follow one another: the key of their advisory lock.
LOCK_KEY = 5_279_864_211
BATCH_ROWS = 100_000
# Below PostgreSQL's deadlock_timeout of a second: of two that wait for one another the
# publication steps back.
LOCK_TIMEOUT = "200ms"


@dataclass(frozen=True)
class PostgresPublication:
    """A publication as it stands in PostgreSQL.

    Attributes
    ----------
    publication_id, as_of_date : int, date
        Of the published file that was copied.
    database : str
        ``name on host``, without user and password.
    row_counts : dict of str to int
        Rows by ``schema.table``.
    """

    publication_id: int
    as_of_date: date
    database: str
    row_counts: dict[str, int]


@dataclass(frozen=True)
class _Column:
    name: str
    type: str
    is_nullable: bool
    comment: str | None


@dataclass(frozen=True)
class _Table:
    """A published table: columns in order, key (empty where none is declared)."""

    schema: str
    name: str
    comment: str | None
    columns: tuple[_Column, ...]
    key: tuple[str, ...]

    @property
    def label(self) -> str:
        """``schema.table``."""
        return f"{self.schema}.{self.name}"

    @property
    def source(self) -> str:
        """Quoted name in the published file."""
        return f"{quote_identifier(self.schema)}.{quote_identifier(self.name)}"

    @property
    def target(self) -> sql.Identifier:
        """Quoted name in PostgreSQL until the swap."""
        return sql.Identifier(f"{self.schema}{NEXT}", self.name)


def publish_to_postgres(
    settings: Settings,
    dsn: str,
    *,
    reader: str = DEFAULT_READER,
    wait_seconds: float = DEFAULT_WAIT_SECONDS,
    progress: Progress | None = None,
) -> PostgresPublication:
    """Copy the published file into PostgreSQL and swap its schemas in.

    Parameters
    ----------
    dsn : str
        Connection string of libpq, ``postgresql://user@host/db`` or ``host=... ...``;
        a password in it is shown nowhere.
    reader : str
        Role that may read the tables and nothing else; made if it is missing.
    wait_seconds : float
        How long to wait at the swap for statements that read the former publication.
    progress : callable, optional
        Called before each step with its label, the steps done and all steps.

    Raises
    ------
    PublishError
        Nothing was changed; the message says why and what to do.

    Notes
    -----
    Everything happens in one transaction, so that what is cut off leaves nothing. Each
    table is read back before the swap and its hash held against the file's. At the swap
    all tables of the former publication are locked for a moment: a statement that reads
    several tables then has all of them from one publication, which renaming alone does
    not give. Rows are frozen, so that a transaction whose snapshot is older than the
    swap sees them too. Views that others made over the tables are made over the new
    ones. The former publication stays in schemas of its own until the next one.
    """
    tell = progress or (lambda _label, _done, _total: None)
    with _connect(dsn) as target, connect_published(settings) as source:
        database = f"{target.info.dbname} on {target.info.host or 'a local socket'}"
        try:
            with _publication_lock(target):
                return _publish(source, target, database, reader, wait_seconds, tell)
        except psycopg.Error as error:
            cause = masked(str(error), dsn).strip().splitlines()[:1]
            message = f"nothing was published to {database}: {' '.join(cause)}"
            raise PublishError(message) from None


def masked(text: str, dsn: str) -> str:
    """Return a text without the password of a connection string.

    The password is looked for as it stands in the string and as libpq reads it.
    """
    secrets = set(re.findall(r"://[^:/@]*:([^@]*)@", dsn))
    secrets |= set(re.findall(r"password\s*=\s*('(?:[^'\\]|\\.)*'|[^\s&]+)", dsn))
    try:
        secrets.add(str(psycopg.conninfo.conninfo_to_dict(dsn).get("password") or ""))
    except psycopg.Error:
        secrets.add(dsn)
    for secret in sorted(secrets - {""}, key=len, reverse=True):
        text = text.replace(secret, "***")
    return text


def _connect(dsn: str) -> psycopg.Connection:
    try:
        psycopg.conninfo.conninfo_to_dict(dsn)
    except psycopg.Error:
        # The driver's message repeats pieces of the string, the password among them.
        message = (
            "the connection string cannot be read: it is "
            "postgresql://user@host:5432/database or host=... dbname=... user=..."
        )
        raise PublishError(message) from None
    try:
        return psycopg.connect(dsn, application_name="lundong publish")
    except psycopg.Error as error:
        cause = " ".join(masked(str(error), dsn).split())
        message = f"PostgreSQL cannot be reached: {cause}"
        raise PublishError(message) from None


@contextmanager
def _publication_lock(target: psycopg.Connection) -> Iterator[None]:
    """Let no other publication into the database; ends with the connection."""
    target.autocommit = True
    row = target.execute("select pg_try_advisory_lock(%s)", [LOCK_KEY]).fetchone()
    if row is None or not row[0]:
        raise PublishError(
            "another publication to this database is running: wait until it has ended"
        )
    target.autocommit = False
    yield


def _publish(
    source: duckdb.DuckDBPyConnection,
    target: psycopg.Connection,
    database: str,
    reader: str,
    wait_seconds: float,
    tell: Progress,
) -> PostgresPublication:
    tables = _read_tables(source)
    schemas = sorted({table.schema for table in tables})
    row = source.execute(
        "select publication_id, as_of_date from meta.meta_publication "
        "order by publication_id desc limit 1"
    ).fetchone()
    if row is None:
        raise PublishError("the published file names no publication: refresh first")
    publication_id, as_of_date = row
    _check_schemas(target, schemas)
    # What cannot follow is told before everything is copied.
    find_views(target, _our_schemas(target, None))
    tell("dropping the last publication but one", 0, len(tables))
    _drop_leftovers(target)
    _make_reader(target, reader)
    target.execute("set local timezone = 'UTC'")
    for schema in schemas:
        name = sql.Identifier(f"{schema}{NEXT}")
        target.execute(sql.SQL("create schema {}").format(name))
        mark = f"{MARK} {publication_id} as of {as_of_date}."
        target.execute(
            sql.SQL("comment on schema {} is {}").format(name, sql.Literal(mark))
        )
    row_counts = {}
    for done, table in enumerate(tables):
        tell(f"copying {table.label}", done, len(tables))
        row_counts[table.label] = _copy_table(source, target, table)
    tell("waiting for readers", len(tables), len(tables))
    _grant(target, schemas, reader)
    _check_reader(target, schemas, reader)
    _swap(target, schemas, wait_seconds)
    return PostgresPublication(publication_id, as_of_date, database, row_counts)


def _read_tables(source: duckdb.DuckDBPyConnection) -> list[_Table]:
    """Read the tables of the published file, in order of schema and name.

    The key of a table is its primary key, else the one that the dictionary names.
    """
    columns: dict[tuple[str, str], list[_Column]] = {}
    for schema, name, *rest in source.execute(
        """
        select schema_name, table_name, column_name, data_type, is_nullable, comment
        from duckdb_columns()
        where database_name = current_database() and not internal
        order by schema_name, table_name, column_index
        """
    ).fetchall():
        columns.setdefault((schema, name), []).append(_Column(*rest))
    keys = {
        (schema, name): tuple(key)
        for schema, name, key in source.execute(
            """
            select table_schema, table_name, list(column_name order by key_position)
            from meta.meta_column
            where key_position is not null
            group by table_schema, table_name
            union all
            select schema_name, table_name, constraint_column_names
            from duckdb_constraints()
            where constraint_type = 'PRIMARY KEY'
            """
        ).fetchall()
    }
    tables = [
        _Table(
            schema=schema,
            name=name,
            comment=comment,
            columns=tuple(columns[schema, name]),
            key=keys.get((schema, name), ()),
        )
        for schema, name, comment in source.execute(
            """
            select schema_name, table_name, comment
            from duckdb_tables()
            where database_name = current_database() and not internal
            order by schema_name, table_name
            """
        ).fetchall()
    ]
    for table in tables:
        for column in table.columns:
            if column.type not in TYPES:
                raise PublishError(
                    f"{table.label}.{column.name} is {column.type}, which has no type "
                    f"in PostgreSQL here: cast it to one of {', '.join(TYPES)}"
                )
    return tables


def _check_schemas(target: psycopg.Connection, schemas: Sequence[str]) -> None:
    """Refuse to replace a schema that no publication made."""
    names = [f"{schema}{end}" for schema in schemas for end in ("", NEXT, FORMER)]
    rows = target.execute(
        "select nspname from pg_namespace where nspname = any(%s) "
        "and coalesce(obj_description(oid, 'pg_namespace'), '') not like %s",
        [names, f"{MARK}%"],
    ).fetchall()
    if rows:
        raise PublishError(
            f"the database has a schema {', '.join(row[0] for row in rows)} that no "
            "publication made: give the warehouse a database of its own"
        )


def _our_schemas(target: psycopg.Connection, ending: str | None) -> list[str]:
    """Return our schemas with an ending, or the current ones."""
    rows = target.execute(
        "select nspname from pg_namespace "
        "where obj_description(oid, 'pg_namespace') like %s order by nspname",
        [f"{MARK}%"],
    ).fetchall()
    return [
        name
        for (name,) in rows
        if (
            name.endswith(ending)
            if ending is not None
            else not name.endswith((NEXT, FORMER))
        )
    ]


def _drop_leftovers(target: psycopg.Connection) -> None:
    """Drop the publication before the current one, in a transaction of its own."""
    target.execute(f"set local lock_timeout = '{LOCK_TIMEOUT}'")
    former = _our_schemas(target, FORMER)
    tables = _tables_of(target, former)
    try:
        if tables:
            target.execute(sql.SQL("drop table {}").format(_listed(tables)))
        for name in former:
            target.execute(sql.SQL("drop schema {}").format(sql.Identifier(name)))
    except errors.LockNotAvailable:
        target.rollback()
        raise PublishError(
            "a session still reads the publication before the current one: end the "
            "transactions that pg_stat_activity shows as idle, then publish again"
        ) from None
    except errors.DependentObjectsStillExist as error:
        target.rollback()
        bound = (error.diag.message_detail or str(error)).splitlines()[0]
        raise PublishError(
            f"{bound}, of the publication before the current one: make it anew over "
            "the current tables or drop it, then publish again"
        ) from None
    target.commit()


def _tables_of(
    target: psycopg.Connection, schemas: Sequence[str]
) -> list[tuple[str, str]]:
    """Return schema and name of the tables of schemas, in order."""
    return target.execute(
        "select schemaname::text, tablename::text from pg_tables "
        "where schemaname = any(%s) order by schemaname, tablename",
        [list(schemas)],
    ).fetchall()


def _listed(tables: Sequence[tuple[str, str]]) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(*table) for table in tables)


def _make_reader(target: psycopg.Connection, reader: str) -> None:
    role = target.execute("select 1 from pg_roles where rolname = %s", [reader])
    if role.fetchone() is not None:
        return
    try:
        target.execute(sql.SQL("create role {} nologin").format(sql.Identifier(reader)))
    except errors.InsufficientPrivilege:
        raise PublishError(
            f"the role {reader} is missing and this user may not make it: have "
            f"`create role {reader} nologin` run by an administrator"
        ) from None


def _copy_table(
    source: duckdb.DuckDBPyConnection, target: psycopg.Connection, table: _Table
) -> int:
    """Make a table, fill it, hold its content against the file's; return its rows."""
    definitions = [
        sql.SQL("{} {}{}").format(
            sql.Identifier(column.name),
            sql.SQL(TYPES[column.type]),
            sql.SQL("" if column.is_nullable else " not null"),
        )
        for column in table.columns
    ]
    target.execute(
        sql.SQL("create table {} ({})").format(
            table.target, sql.SQL(", ").join(definitions)
        )
    )
    with (
        target.cursor() as cursor,
        cursor.copy(
            sql.SQL("copy {} from stdin (format csv, freeze)").format(table.target)
        ) as copy,
    ):
        for batch in source.execute(f"from {table.source}").to_arrow_reader(BATCH_ROWS):
            copy.write(_csv(batch))
    if table.key:
        names = sql.SQL(", ").join(map(sql.Identifier, table.key))
        target.execute(
            sql.SQL("alter table {} add primary key ({})").format(table.target, names)
        )
    _comment(target, table)
    target.execute(sql.SQL("analyze {}").format(table.target))
    expected = _digest(source, table, f"from {table.source}")
    found = _read_back(target, table)
    if found != expected:
        raise PublishError(
            f"{table.label} has another content in PostgreSQL ({found[0]} rows) than "
            f"in the file ({expected[0]} rows): nothing was published"
        )
    return expected[0]


def _csv(batch: pa.RecordBatch) -> pa.Buffer:
    """Return rows as PostgreSQL's CSV: NULL is nothing, an empty text is quoted."""
    sink = pa.BufferOutputStream()
    options = pacsv.WriteOptions(include_header=False, quoting_style="needed")
    pacsv.write_csv(batch, sink, options)
    return sink.getvalue()


def _comment(target: psycopg.Connection, table: _Table) -> None:
    if table.comment:
        target.execute(
            sql.SQL("comment on table {} is {}").format(
                table.target, sql.Literal(table.comment)
            )
        )
    for column in table.columns:
        if column.comment:
            name = sql.Identifier(f"{table.schema}{NEXT}", table.name, column.name)
            target.execute(
                sql.SQL("comment on column {} is {}").format(
                    name, sql.Literal(column.comment)
                )
            )


class _Stream:
    """What PostgreSQL copies out, as a file that Arrow reads."""

    closed = False

    def __init__(self, blocks: Iterator[bytes | bytearray | memoryview]) -> None:
        self._blocks = blocks
        self._rest = b""

    def read(self, size: int = -1) -> bytes:
        """Return up to ``size`` bytes, all that are left below zero."""
        parts, length = [self._rest], len(self._rest)
        while size < 0 or length < size:
            block = bytes(next(self._blocks, b""))
            if not block:
                break
            parts.append(block)
            length += len(block)
        content = b"".join(parts)
        taken = length if size < 0 else size
        self._rest = content[taken:]
        return content[:taken]


def _read_back(target: psycopg.Connection, table: _Table) -> tuple[int, int]:
    """Return rows and digest of a table as PostgreSQL has it."""
    names = [column.name for column in table.columns]
    types = {c.name: ARROW_TYPES.get(c.type, pa.string()) for c in table.columns}
    with (
        target.cursor() as cursor,
        cursor.copy(
            sql.SQL("copy {} to stdout (format csv)").format(table.target)
        ) as copy,
    ):
        first = bytes(next(iter(copy), b""))
        if not first:
            empty = pa.table({n: pa.array([], t) for n, t in types.items()})
            return _digest_of(empty.to_reader(), table)

        def blocks() -> Iterator[bytes | bytearray | memoryview]:
            yield first
            yield from copy

        reader = pacsv.open_csv(
            pa.PythonFile(_Stream(blocks()), mode="r"),
            read_options=pacsv.ReadOptions(column_names=names),
            parse_options=pacsv.ParseOptions(newlines_in_values=True),
            convert_options=pacsv.ConvertOptions(
                column_types=types,
                true_values=["t"],
                false_values=["f"],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
                null_values=[""],
            ),
        )
        return _digest_of(reader, table)


def _digest_of(reader: pa.RecordBatchReader, table: _Table) -> tuple[int, int]:
    with duckdb.connect() as con:
        con.execute("set TimeZone = 'UTC'")
        con.register("read_back", reader)
        return _digest(con, table, "from read_back")


def _digest(
    con: duckdb.DuckDBPyConnection, table: _Table, relation: str
) -> tuple[int, int]:
    """Return rows and the sum of their hashes, in any order, run times included."""
    values = ", ".join(
        f"cast({quote_identifier(column.name)} as {column.type})"
        for column in table.columns
    )
    row = con.execute(
        f"select count(*), coalesce(sum(hash({values})::hugeint), 0) {relation}"
    ).fetchone()
    if row is None:
        raise PublishError(f"{table.label} gave no count")
    return row[0], row[1]


def _grant(target: psycopg.Connection, schemas: Sequence[str], reader: str) -> None:
    """Let the reader read the new schemas; grants do not outlive a schema."""
    role = sql.Identifier(reader)
    for schema in schemas:
        name = sql.Identifier(f"{schema}{NEXT}")
        target.execute(sql.SQL("grant usage on schema {} to {}").format(name, role))
        target.execute(
            sql.SQL("grant select on all tables in schema {} to {}").format(name, role)
        )


def _check_reader(
    target: psycopg.Connection, schemas: Sequence[str], reader: str
) -> None:
    """Refuse a reader that may do more than read.

    Raises
    ------
    PublishError
        It is a superuser, makes roles, has the publisher's rights, may make something
        in a published schema or in ``public``, or may change a table.
    """
    row = target.execute(
        """
        with role as (select * from pg_roles where rolname = %(reader)s),

        maker as (
            select min(nspname::text) as schema from pg_namespace, role
            where (nspname = any(%(schemas)s) or nspname = 'public')
            and has_schema_privilege(role.oid, pg_namespace.oid, 'create')
        ),

        writer as (
            select min(tablename::text) as name from pg_tables, role
            where schemaname = any(%(schemas)s) and has_table_privilege(
                role.oid,
                format('%%I.%%I', schemaname, tablename),
                'insert, update, delete, truncate'
            )
        )

        select case
            when rolsuper then 'is a superuser'
            when rolcreaterole then 'may make roles'
            when pg_has_role(oid, current_user, 'member')
                then 'has the rights of ' || current_user || ', who publishes'
            when writer.name is not null then 'may write to ' || writer.name
            -- In databases made by a PostgreSQL before 15 everybody may.
            when maker.schema = 'public'
                then 'may make tables in the schema public (run `revoke create on '
                || 'schema public from public`)'
            when maker.schema is not null then 'may make tables in a published schema'
        end
        from role, maker, writer
        """,
        {"schemas": [f"{schema}{NEXT}" for schema in schemas], "reader": reader},
    ).fetchone()
    if row is None or row[0] is not None:
        fault = "is gone" if row is None else row[0]
        raise PublishError(
            f"the reader {reader} {fault}: it must be a role that may read and nothing "
            "else; mend it or name another with --reader"
        )


def _swap(
    target: psycopg.Connection, schemas: Sequence[str], wait_seconds: float
) -> None:
    """Rename the schemas while nobody reads the former tables, and commit.

    Raises
    ------
    PublishError
        Readers held the former tables all the time, or a view cannot follow.
    """
    former = _our_schemas(target, None)
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            with target.transaction():
                target.execute(f"set local lock_timeout = '{LOCK_TIMEOUT}'")
                _rename_all(target, former, schemas)
            break
        except (errors.LockNotAvailable, errors.DeadlockDetected):
            if time.monotonic() > deadline:
                raise PublishError(
                    f"sessions read the current publication for {wait_seconds:.0f} s "
                    "without an end: see pg_stat_activity for transactions left open, "
                    "end them, then publish again"
                ) from None
            # Readers that queued behind the lock get their turn.
            time.sleep(random.uniform(0.05, 0.5))  # noqa: S311
    target.commit()


def _rename_all(
    target: psycopg.Connection, former: Sequence[str], schemas: Sequence[str]
) -> None:
    """Lock views and tables, rename the schemas, make the views anew."""
    lock_views(target, find_views(target, former))
    tables = _tables_of(target, former)
    if tables:
        target.execute(
            sql.SQL("lock table {} in access exclusive mode").format(_listed(tables))
        )
    # Again: with the tables locked, none can be added.
    views = write_statements(target, find_views(target, former))
    for schema in former:
        _rename(target, schema, f"{schema}{FORMER}")
    for schema in schemas:
        _rename(target, f"{schema}{NEXT}", schema)
    run_statements(target, views)


def _rename(target: psycopg.Connection, name: str, new_name: str) -> None:
    target.execute(
        sql.SQL("alter schema {} rename to {}").format(
            sql.Identifier(name), sql.Identifier(new_name)
        )
    )
