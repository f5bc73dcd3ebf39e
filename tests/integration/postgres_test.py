"""Publication to a real PostgreSQL: content, keys, roles, readers, interruptions.

The server is the one of Debian's package, started for this module in a folder of its
own by a user without rights. Add a test when the publication promises something more;
keep the published file out, ``publish_test`` and ``readers_test`` have it.
"""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pyarrow as pa
import pytest
from psycopg import errors, sql

from tests.conftest import LUNDONG, RunLundong
from tests.integration.conftest import TinyBuild
from warehouse import postgres
from warehouse.loopback_postgres import (
    LoopbackServer,
    find_programs,
    loopback_server,
)
from warehouse.postgres import TYPES, masked, publish_to_postgres
from warehouse.publish import PublishError, publish
from warehouse.settings import Settings
from warehouse.store import connect_published

READER_COUNT = 6
SWAPS = 12
# Longer tables are compared by sums that both sides compute themselves.
FETCHED_ROWS = 20_000


@pytest.fixture(scope="module")
def server() -> Iterator[LoopbackServer]:
    """Start a server that asks for passwords; skip where none is installed."""
    programs = find_programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    with loopback_server(programs, owner="owner") as running:
        yield running


def make_database(server: LoopbackServer) -> str:
    """Return the connection string of a new, empty database."""
    name = f"d{secrets.token_hex(4)}"
    with psycopg.connect(server.dsn("postgres"), autocommit=True) as con:
        con.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    return server.dsn(name)


@pytest.fixture
def dsn(server: LoopbackServer) -> str:
    """Return the connection string of an empty database."""
    return make_database(server)


@pytest.fixture(scope="module")
def small_dsn(server: LoopbackServer, small_home: Path, run_lundong: RunLundong) -> str:
    """Return the connection string of a database with the small warehouse."""
    dsn = make_database(server)
    done = run_lundong(small_home, "publish", "--postgres", dsn)
    assert "tables" in done.stdout
    assert server.password not in done.stdout + done.stderr
    return dsn


@pytest.fixture
def numbered(tiny_build: TinyBuild) -> Callable[[], Settings]:
    """Return a publisher of tiny files whose tables bear the publication's number."""
    build = tiny_build
    build.execute(
        """
        create table meta.meta_column (
            table_schema varchar, table_name varchar, column_name varchar,
            key_position integer
        );
        insert into meta.meta_column values
        ('core', 'fct_tradability_daily', 'security_code', 2),
        ('core', 'fct_tradability_daily', 'trade_date', 1),
        ('core', 'fct_tradability_daily', 'is_st', null);
        alter table core.dim_trade_week add column number bigint;
        alter table diffusion.fct_diffusion_index_weekly add column number bigint;
        """
    )
    node = dict(build.model("meta_summary"))
    node |= {"name": "meta_column", "alias": "meta_column", "columns": {}}
    build.manifest["nodes"]["model.lundong.meta_column"] = node
    build.save_manifest()
    count = 0

    def next_publication() -> Settings:
        nonlocal count
        count += 1
        for table in ("core.dim_trade_week", "diffusion.fct_diffusion_index_weekly"):
            build.execute(f"update {table} set number = {count}")
        publish(
            build.settings, manifest_path=build.manifest_path, code_version=str(count)
        )
        return build.settings

    return next_publication


# Both tables and the publication that they are of, in one statement.
NUMBERS = """
    select
        (select max(publication_id) from meta.meta_publication),
        (select min(number) from core.dim_trade_week),
        (select max(number) from diffusion.fct_diffusion_index_weekly)
"""


def test_every_table_is_the_same_in_postgres(
    small_settings: Settings, small_dsn: str
) -> None:
    """Read by another way than the publication's own check: rows through the driver."""
    with (
        connect_published(small_settings) as file,
        psycopg.connect(small_dsn) as server,
    ):
        server.execute("set timezone = 'UTC'")
        tables = file.execute(
            "select schema_name, table_name, estimated_size from duckdb_tables() "
            "order by all"
        ).fetchall()
        assert len(tables) > 60
        for schema, name, size in tables:
            columns = file.execute(
                "select column_name, data_type from duckdb_columns() "
                "where schema_name = ? and table_name = ? order by column_index",
                [schema, name],
            ).fetchall()
            relation = sql.Identifier(schema, name)
            if size <= FETCHED_ROWS:
                expected = digest(file, columns, f"from {schema}.{name}")
                rows = server.execute(
                    sql.SQL("select * from {}").format(relation)
                ).fetchall()
                assert digest_of(rows, columns) == expected, (schema, name)
            else:
                assert sums(server, file, columns, schema, name), (schema, name)


def digest(con: duckdb.DuckDBPyConnection, columns: Any, relation: str) -> Any:
    """Return the number of rows and the sum of their hashes."""
    values = ", ".join(f'cast("{name}" as {kind})' for name, kind in columns)
    return con.execute(
        f"select count(*), sum(hash({values})::hugeint) {relation}"
    ).fetchone()


def digest_of(rows: list[tuple[Any, ...]], columns: Any) -> Any:
    """Return the digest of rows that the driver has fetched."""
    arrays = [
        pa.array(values) for values in (zip(*rows, strict=True) if rows else columns)
    ]
    if not rows:
        arrays = [pa.nulls(0) for _ in columns]
    table = pa.table(arrays, names=[name for name, _ in columns])
    with duckdb.connect() as con:
        con.execute("set TimeZone = 'UTC'")
        con.register("fetched", table)
        return digest(con, columns, "from fetched")


def sums(
    server: psycopg.Connection,
    file: duckdb.DuckDBPyConnection,
    columns: Any,
    schema: str,
    name: str,
) -> bool:
    """Compare counts, extremes and exact sums of every column on both sides."""
    measures = ["count(*)"]
    for column, kind in columns:
        quoted = f'"{column}"'
        measures.append(f"count({quoted})")
        if kind in {"DATE", "TIMESTAMP"}:
            measures += [f"min({quoted})", f"max({quoted})"]
        elif kind == "VARCHAR":
            measures += [f"sum(length({quoted}))", f"count(distinct {quoted})"]
        elif kind == "BOOLEAN":
            measures.append(f"sum(cast({quoted} as integer))")
        elif kind == "DOUBLE":
            # PostgreSQL casts a double to a decimal by its first fifteen digits.
            whole = f"case when abs({quoted}) < 1e12 then floor({quoted} * 100) end"
            measures.append(f"sum(cast({whole} as decimal(38, 0)))")
            measures += [
                f"min({quoted})",
                f"max({quoted})",
                f"count(distinct {quoted})",
            ]
        elif kind in {"BIGINT", "INTEGER"}:
            measures += [f"sum({quoted})", f"min({quoted})"]
    query = f'select {", ".join(measures)} from "{schema}"."{name}"'
    ours = file.execute(query).fetchone()
    theirs = server.execute(query.encode()).fetchone()
    return ours == theirs


def test_types_keys_and_texts_are_there(
    small_settings: Settings, small_dsn: str
) -> None:
    with (
        connect_published(small_settings) as file,
        psycopg.connect(small_dsn) as server,
    ):
        wanted = {
            (schema, table, column): (TYPES[kind], comment)
            for schema, table, column, kind, comment in file.execute(
                "select schema_name, table_name, column_name, data_type, comment "
                "from duckdb_columns() where not internal"
            ).fetchall()
        }
        found = {
            (schema, table, column): (kind, comment)
            for schema, table, column, kind, comment in server.execute(
                "select n.nspname, c.relname, a.attname, "
                "format_type(a.atttypid, a.atttypmod), "
                "col_description(c.oid, a.attnum) "
                "from pg_attribute as a join pg_class as c on a.attrelid = c.oid "
                "join pg_namespace as n on c.relnamespace = n.oid "
                "where a.attnum > 0 and c.relkind = 'r' and n.nspname = any(%s)",
                [sorted({schema for schema, _, _ in wanted})],
            ).fetchall()
        }
        long_names = {
            "timestamp": "timestamp without time zone",
            "timestamptz": "timestamp with time zone",
        }
        assert found == {
            key: (long_names.get(kind, kind), comment)
            for key, (kind, comment) in wanted.items()
        }
        keys = {
            f"{schema}.{table}": columns
            for schema, table, columns in server.execute(
                "select n.nspname, c.relname, array_agg(a.attname::text "
                "order by array_position(k.conkey, a.attnum)) "
                "from pg_constraint as k join pg_class as c on k.conrelid = c.oid "
                "join pg_namespace as n on c.relnamespace = n.oid "
                "join pg_attribute as a "
                "on a.attrelid = c.oid and a.attnum = any(k.conkey) "
                "where k.contype = 'p' group by n.nspname, c.relname"
            ).fetchall()
        }
        comment = server.execute(
            "select obj_description('core.fct_tradability_daily'::regclass)"
        ).fetchone()
        facts = {
            f"{schema}.{table}"
            for schema, table, _ in wanted
            if table.startswith(("dim_", "fct_", "mart_")) and schema != "archive"
        }
    assert comment is not None
    assert "limit prices" in comment[0]
    assert keys["core.fct_tradability_daily"] == ["trade_date", "security_code"]
    assert keys["core.dim_industry_member"] == [
        *("security_code", "industry_system", "valid_from")
    ]
    assert facts - keys.keys() == set()


def test_the_reader_reads_and_no_more(
    numbered: Callable[[], Settings], dsn: str
) -> None:
    for _ in range(2):
        publish_to_postgres(numbered(), dsn, reader="wind reader")
    with psycopg.connect(dsn, autocommit=True) as con:
        con.execute('set role "wind reader"')
        row = con.execute(NUMBERS).fetchone()
        assert row is not None
        assert set(row) == {2}
        for statement in (
            "insert into core.dim_trade_week select * from core.dim_trade_week",
            "update core.dim_trade_week set number = 7",
            "delete from core.dim_trade_week",
            "truncate core.dim_trade_week",
            "drop table core.dim_trade_week",
            "create table core.mine (i integer)",
            "create schema mine",
            "alter schema core rename to theirs",
        ):
            with pytest.raises(errors.InsufficientPrivilege):
                con.execute(statement)


def test_views_of_others_follow_every_publication(
    numbered: Callable[[], Settings], dsn: str
) -> None:
    """Plain and materialized, over tables and over views, with all that is on them."""
    anna, bert = (f"{name} {secrets.token_hex(4)}" for name in ("anna", "bert"))
    publish_to_postgres(numbered(), dsn)
    with psycopg.connect(dsn, autocommit=True) as con:
        con.execute(
            f"""
            create role "{anna}" in role lundong_reader;
            create role "{bert}";
            create schema "My views" authorization "{anna}";
            grant usage on schema "My views" to "{bert}";
            set role "{anna}";
            set search_path = "My views";
            create view "of weeks" with (security_barrier) as
            select trade_week, max(number) as number
            from core.dim_trade_week as w
            where w.trade_week <> '2024-01-12' and 'a%b' like 'a%'
            group by trade_week;
            create view above as select max(number) as number from "of weeks";
            create materialized view kept with (fillfactor = 70) as
            select * from core.dim_trade_week;
            create unique index on kept (trade_week);
            create materialized view kept_above as select number from above;
            create materialized view empty as
            select number from core.dim_trade_week with no data;
            grant select on "of weeks", kept to "{bert}";
            comment on materialized view kept is 'It''s kept';
            comment on column kept.number is 'Its number';
            """.encode()
        )
        described = describe(con)
        assert len(described) == 5
    for number in (2, 3):
        publish_to_postgres(numbered(), dsn)
        with psycopg.connect(dsn, autocommit=True) as con:
            assert describe(con) == described
            con.execute('set search_path = "My views"')
            assert numbers(con, "above", "kept", "kept_above") == [{number}] * 3
            with pytest.raises(errors.ObjectNotInPrerequisiteState):
                con.execute("select * from empty")
            con.execute(sql.SQL("set role {}").format(sql.Identifier(bert)))
            assert numbers(con, '"of weeks"', "kept") == [{number}] * 2


def describe(con: psycopg.Connection) -> list[Any]:
    """Return what can be set on the views of others: all must outlive a swap."""
    return con.execute(
        """
        select
            relname, relkind, relowner::regrole::text, reloptions, relacl::text,
            relispopulated, obj_description(oid), col_description(oid, 5),
            array(
                select pg_get_indexdef(indexrelid) from pg_index
                where indrelid = pg_class.oid
            )
        from pg_class
        where relnamespace = '"My views"'::regnamespace and relkind in ('v', 'm')
        order by relname
        """
    ).fetchall()


def numbers(con: psycopg.Connection, *relations: str) -> list[set[int]]:
    """Return the numbers of publications in each of some relations."""
    return [
        {row[0] for row in con.execute(f"select number from {name}".encode())}
        for name in relations
    ]


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (
            "create view v as select number + gone as number from core.dim_trade_week",
            r"the view anna\.v cannot be made over the new tables "
            r"\(column dim_trade_week\.gone does not exist\): change or drop it",
        ),
        (
            "create materialized view v as select number * gone as number "
            "from core.dim_trade_week",
            r"the view anna\.v cannot be made .*gone does not exist",
        ),
        (
            "create temporary view v as select number from core.dim_trade_week",
            r"the view pg_temp_\d+\.v cannot be made .* of other sessions",
        ),
        (
            "create materialized view v as select 1 / (2 - number) as number "
            "from core.dim_trade_week",
            r"the view anna\.v cannot be made .*division by zero",
        ),
        (
            "create materialized view m as select number from core.dim_trade_week;"
            "create view v as select number from m",
            r"the view anna\.m cannot be made .* other objects depend on it",
        ),
        (
            "create view v as select number from core.dim_trade_week;"
            "alter view v set schema core; create view v as select number from core.v",
            r"the view core\.v stands in a schema of the publication",
        ),
        (
            "create view v as select number from core.dim_trade_week;"
            "create function f() returns bigint language sql "
            "begin atomic select max(number) from core.dim_trade_week; end",
            r"function anna\.f\(\) is bound to a published table",
        ),
        (
            "create view v as select number from core.dim_trade_week;"
            "create table t (day date, code text, foreign key (day, code) "
            "references core.fct_tradability_daily (trade_date, security_code))",
            r"constraint t_day_code_fkey on table anna\.t is bound",
        ),
        (
            "create view v as select number from core.dim_trade_week;"
            "create table t (weeks core.dim_trade_week[])",
            r"column weeks of table anna\.t is bound",
        ),
    ],
    ids=[
        "view",
        "materialized",
        "temporary",
        "rows",
        "chain",
        "inside",
        "function",
        "key",
        "row_type",
    ],
)
def test_what_cannot_follow_is_refused_and_kept(
    numbered: Callable[[], Settings],
    tiny_build: TinyBuild,
    dsn: str,
    made: str,
    message: str,
) -> None:
    table = "core.dim_trade_week"
    tiny_build.execute(f"alter table {table} add column gone bigint default 1")
    publish_to_postgres(numbered(), dsn)
    with psycopg.connect(dsn, autocommit=True) as con:
        con.execute(f"create schema anna; set search_path = anna; {made}".encode())
        tiny_build.execute(f"alter table {table} drop column gone")
        before = con.execute("select count(*) from pg_class").fetchone()
        settings = numbered()
        for _ in range(2):
            with pytest.raises(PublishError, match=message) as caught:
                publish_to_postgres(settings, dsn)
            assert len(str(caught.value).splitlines()) == 1
            assert con.execute(NUMBERS).fetchone() == (1, 1, 1)
            assert con.execute("select count(*) from pg_class").fetchone() == before
        expected = {2} if "number + gone" in made else {1}
        assert numbers(con, "v") == [expected]
        con.execute("drop schema anna cascade; drop view if exists core.v, v")
    publish_to_postgres(settings, dsn)


def test_a_view_over_a_former_table_is_not_dropped(
    numbered: Callable[[], Settings], dsn: str
) -> None:
    for _ in range(2):
        publish_to_postgres(numbered(), dsn)
    with psycopg.connect(dsn, autocommit=True) as con:
        con.execute("create view v as select number from core__former.dim_trade_week")
        with pytest.raises(
            PublishError,
            match=r"view public.v depends on table core__former\.dim_trade_week",
        ):
            publish_to_postgres(numbered(), dsn)
        assert numbers(con, "v") == [{1}]
        assert con.execute(NUMBERS).fetchone() == (2, 2, 2)


def test_a_publisher_without_rights_needs_those_of_a_views_owner(
    numbered: Callable[[], Settings], server: LoopbackServer, dsn: str
) -> None:
    """As the page of PostgreSQL sets it up: nobody here is a superuser."""
    lundong, anna = (f"{name}_{secrets.token_hex(4)}" for name in ("lundong", "anna"))
    plain = dsn.replace(f"{server.owner}:", f"{lundong}:")
    with psycopg.connect(dsn, autocommit=True) as con:
        con.execute(
            f"create role {lundong} login password '{server.password}';"
            f"alter database {con.info.dbname} owner to {lundong};"
            "do $$ begin create role lundong_reader; "
            "exception when duplicate_object then null; end $$;"
            f"create role {anna} in role lundong_reader;"
            f"create schema views authorization {anna}".encode()
        )
        publish_to_postgres(numbered(), plain)
        con.execute(
            f"set role {anna}; create view views.v as "
            "select number from core.dim_trade_week; create materialized view views.m "
            "as select number from core.dim_trade_week; reset role".encode()
        )
        settings = numbered()
        with pytest.raises(PublishError, match=f"`grant {anna} to {lundong}` run"):
            publish_to_postgres(settings, plain)
        con.execute(f"grant {anna} to {lundong}".encode())
        publish_to_postgres(settings, plain)
        con.execute(f"set role {anna}".encode())
        assert numbers(con, "views.v", "views.m") == [{2}, {2}]


@pytest.mark.parametrize(
    ("granted", "message"),
    [
        ("alter role {} superuser", "is a superuser"),
        ("alter role {} createrole", "may make roles"),
        ("grant owner to {}", "has the rights of owner, who publishes"),
        ("grant pg_write_all_data to {}", "may write to dim_"),
        (
            "alter default privileges grant truncate on tables to {}",
            "may write to dim_",
        ),
        (
            "alter default privileges grant create on schemas to {}",
            "may make tables in a published schema",
        ),
        ("grant create on schema public to public", "revoke create on schema public"),
    ],
)
def test_a_reader_that_may_do_more_is_refused(
    numbered: Callable[[], Settings], dsn: str, granted: str, message: str
) -> None:
    reader = f"r_{secrets.token_hex(4)}"
    publish_to_postgres(numbered(), dsn)
    with psycopg.connect(dsn, autocommit=True) as con:
        con.execute(f"create role {reader}; {granted.format(reader)}".encode())
        with pytest.raises(PublishError, match=f"the reader {reader} .*{message}"):
            publish_to_postgres(numbered(), dsn, reader=reader)
        assert con.execute(NUMBERS).fetchone() == (1, 1, 1)


@pytest.mark.parametrize(
    "query", [NUMBERS, "select a, b, c from answers"], ids=["tables", "view"]
)
def test_readers_see_one_publication_in_each_answer(
    numbered: Callable[[], Settings], dsn: str, query: str
) -> None:
    """Joins over schemas, in a loop, while publications are swapped under them."""
    publish_to_postgres(numbered(), dsn)
    with psycopg.connect(dsn, autocommit=True) as con:
        # So slow that somebody always reads it.
        con.execute(
            f"create view answers as select n.* from ({NUMBERS}) as n (a, b, c), "
            "(select pg_sleep(0.03)) as slow".encode()
        )
    stop = threading.Event()
    seen: list[set[tuple[int, ...]]] = [set() for _ in range(READER_COUNT)]
    counts = [0] * READER_COUNT
    failed: list[str] = []

    def read(number: int) -> None:
        try:
            with psycopg.connect(dsn, autocommit=True, prepare_threshold=3) as con:
                while not stop.is_set():
                    row = con.execute(query.encode()).fetchone()
                    assert row is not None
                    seen[number].add(row)
                    counts[number] += 1
                    time.sleep(0.002)
        except Exception as error:
            failed.append(repr(error))

    threads = [threading.Thread(target=read, args=(n,)) for n in range(READER_COUNT)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(SWAPS):
            publish_to_postgres(numbered(), dsn)
    finally:
        stop.set()
        for thread in threads:
            thread.join(30)
    assert failed == []
    answers = set.union(*seen)
    mixed = [row for row in answers if len(set(row)) > 1]
    assert mixed == []
    assert max(row[0] for row in answers) == SWAPS + 1
    assert len(answers) > SWAPS / 2
    assert min(counts) > SWAPS


def test_an_older_snapshot_sees_one_publication_whole(
    numbered: Callable[[], Settings], dsn: str
) -> None:
    """REPEATABLE READ: rows that a swap brings are there for who began before it."""
    publish_to_postgres(numbered(), dsn)
    with psycopg.connect(dsn) as con:
        con.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        for swap in range(2, 5):
            con.execute("select 1")
            publish_to_postgres(numbered(), dsn)
            for _ in range(2):
                assert con.execute(NUMBERS).fetchone() == (swap, swap, swap)
                assert con.execute(
                    "select count(*), count(distinct security_code) "
                    "from core.fct_tradability_daily"
                ).fetchone() == (2000, 100)
                assert con.execute(
                    "select is_st from core.fct_tradability_daily "
                    "where trade_date = '2024-01-01' and security_code = '600031.SH'"
                ).fetchone() == (True,)
            con.rollback()


def test_a_statement_between_two_tables_gets_both_of_one_publication(
    numbered: Callable[[], Settings], dsn: str
) -> None:
    """Held up after the first table, while a publication waits to be swapped in.

    Renaming schemas without a lock on their tables would let the statement go on with
    the new second table.
    """
    publish_to_postgres(numbered(), dsn)
    settings = numbered()
    answers: list[Any] = []
    steps: list[str] = []

    def read() -> None:
        with psycopg.connect(dsn) as con:
            answers.append(con.execute(NUMBERS).fetchone())

    def write() -> None:
        publish_to_postgres(
            settings, dsn, progress=lambda label, _done, _all: steps.append(label)
        )

    reading, writing = threading.Thread(target=read), threading.Thread(target=write)
    with (
        psycopg.connect(dsn, autocommit=True) as watching,
        psycopg.connect(dsn) as holding,
    ):
        holding.execute("lock table core.dim_trade_week in access exclusive mode")
        reading.start()
        wait_until(lambda: waits_for_lock(watching, "select%"))
        writing.start()
        wait_until(lambda: "waiting for readers" in steps)
        time.sleep(1)
        holding.rollback()
        reading.join(30)
        writing.join(30)
        assert answers == [(1, 1, 1)]
        assert watching.execute(NUMBERS).fetchone() == (2, 2, 2)


def waits_for_lock(con: psycopg.Connection, query: str) -> bool:
    """Return whether a statement waits for another session's lock."""
    row = con.execute(
        "select count(*) from pg_stat_activity "
        "where wait_event_type = 'Lock' and ltrim(query, e' \\n') ilike %s",
        [query],
    ).fetchone()
    return row is not None and row[0] > 0


def test_a_publication_that_is_killed_leaves_the_former(
    small_settings: Settings, numbered: Callable[[], Settings], dsn: str
) -> None:
    """Killed while it copies, three times at other moments; the next one succeeds."""
    publish_to_postgres(numbered(), dsn)
    environment = {
        **os.environ,
        "LUNDONG_HOME": str(small_settings.home),
        "LUNDONG_POSTGRES": dsn,
    }
    with psycopg.connect(dsn, autocommit=True) as con:
        for delay in (0.0, 0.7, 1.5):
            process = subprocess.Popen(
                [LUNDONG, "publish"],
                env=environment,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            wait_until(lambda: publishers(con) and busy(con))
            time.sleep(delay)
            process.send_signal(signal.SIGKILL)
            assert process.wait() == -signal.SIGKILL
            wait_until(lambda: not publishers(con))
            row = con.execute(NUMBERS).fetchone()
            assert row == (1, 1, 1)
            names = con.execute(
                "select nspname from pg_namespace where nspname like '%\\_\\_next'"
            ).fetchall()
            assert names == []
    publish_to_postgres(numbered(), dsn)
    with psycopg.connect(dsn) as con:
        assert con.execute(NUMBERS).fetchone() == (2, 2, 2)


def publishers(con: psycopg.Connection) -> int:
    """Count the sessions that publish."""
    row = con.execute(
        "select count(*) from pg_stat_activity "
        "where application_name = 'lundong publish'"
    ).fetchone()
    assert row is not None
    return int(row[0])


def busy(con: psycopg.Connection) -> bool:
    """Return whether a publication has begun to copy."""
    row = con.execute(
        "select count(*) from pg_stat_activity "
        "where application_name = 'lundong publish' and query ilike 'copy%'"
    ).fetchone()
    return row is not None and row[0] > 0


def wait_until(is_so: Callable[[], Any]) -> None:
    """Wait for a minute at most."""
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_what_arrives_changed_is_not_published(
    numbered: Callable[[], Settings], dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_to_postgres(numbered(), dsn)
    write = postgres._csv
    monkeypatch.setattr(
        postgres,
        "_csv",
        lambda batch: write(batch).to_pybytes().replace(b"CI005001", b"CI005009"),
    )
    with pytest.raises(PublishError, match="fct_diffusion_index_weekly has another"):
        publish_to_postgres(numbered(), dsn)
    with psycopg.connect(dsn) as con:
        assert con.execute(NUMBERS).fetchone() == (1, 1, 1)


def test_an_open_transaction_on_the_tables_is_waited_for(
    numbered: Callable[[], Settings], dsn: str
) -> None:
    publish_to_postgres(numbered(), dsn)
    settings = numbered()
    with psycopg.connect(dsn) as reading:
        assert reading.execute(NUMBERS).fetchone() == (1, 1, 1)
        with pytest.raises(PublishError, match="sessions read the current publication"):
            publish_to_postgres(settings, dsn, wait_seconds=0.5)
        assert reading.execute(NUMBERS).fetchone() == (1, 1, 1)
    publish_to_postgres(settings, dsn, wait_seconds=0.5)
    with psycopg.connect(dsn) as con:
        assert con.execute(NUMBERS).fetchone() == (2, 2, 2)


def test_texts_and_numbers_at_the_edges_survive(
    tiny_build: TinyBuild, numbered: Callable[[], Settings], dsn: str
) -> None:
    tiny_build.execute(
        """
        create table meta.meta_edge (
            code integer, t varchar, d double, b boolean, s timestamp, z timestamptz,
            i bigint
        );
        insert into meta.meta_edge values
        (1, '', 'nan', true, '2024-02-29 23:59:59.999999', '2024-02-29 23:59:59+08', 0),
        (2, 'a,"b"\nc\\.', 'inf', false, '0001-01-01', '1970-01-01 00:00:00+00', -1),
        (3, '\\N', '-inf', null, null, null, 9223372036854775807),
        (4, '涨停 NULL', 0.1, true, null, null, null),
        (5, null, 5e-324, true, null, null, -9223372036854775808),
        (6, 't', 1.7976931348623157e308, true, null, null, 1),
        (7, ' ', -0.0, true, null, null, 1);
        """
    )
    node = dict(tiny_build.model("meta_summary"))
    node |= {"name": "meta_edge", "alias": "meta_edge", "columns": {}}
    tiny_build.manifest["nodes"]["model.lundong.meta_edge"] = node
    tiny_build.save_manifest()
    settings = numbered()
    publish_to_postgres(settings, dsn)
    with connect_published(settings) as file, psycopg.connect(dsn) as con:
        query = "select code, t, d, b, s, i from meta.meta_edge order by code"
        ours, theirs = file.execute(query).fetchall(), con.execute(query).fetchall()
    assert repr(theirs) == repr(ours)


def test_a_schema_of_somebody_else_is_left_alone(
    numbered: Callable[[], Settings], dsn: str
) -> None:
    with psycopg.connect(dsn, autocommit=True) as con:
        con.execute("create schema core; create table core.mine (i integer)")
        with pytest.raises(PublishError, match="schema core that no publication made"):
            publish_to_postgres(numbered(), dsn)
        con.execute("select i from core.mine")


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("postgresql://owner:{}@127.0.0.1:{port}/postgres", "cannot be reached"),
        ("host=127.0.0.1 port=1 user=owner password='{}'", "cannot be reached"),
        ("postgresql//owner:{}@127.0.0.1/postgres", "cannot be read"),
        ("host=127.0.0.1 pasword={}", "cannot be read"),
        ("postgresql://owner:{}@127.0.0.1:port/postgres", "cannot be re"),
    ],
)
def test_no_password_is_shown(
    server: LoopbackServer,
    small_settings: Settings,
    run_lundong: RunLundong,
    template: str,
    message: str,
) -> None:
    dsn = template.format("Sesam%2Fopen", port=server.port)
    done = run_lundong(small_settings.home, "publish", "--postgres", dsn, check=False)
    assert done.returncode == 1
    assert message in done.stderr
    for text in (done.stdout, done.stderr):
        assert "Sesam" not in text
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_message_is_masked_whichever_way_the_password_is_written() -> None:
    assert masked("x p%40ss p@ss", "postgresql://u:p%40ss@h/d") == "x *** ***"
    assert masked("a b c", "host=h password='a b'") == "*** c"
    assert masked("nothing to hide", "host=h dbname=d") == "nothing to hide"
    assert masked("pw rest", "no dsn password=pw") == "*** rest"


def test_without_a_database_the_command_says_what_to_give(
    small_settings: Settings, run_lundong: RunLundong
) -> None:
    done = run_lundong(small_settings.home, "publish", check=False)
    assert done.returncode == 1
    assert "give --postgres DSN or LUNDONG_POSTGRES" in done.stderr
