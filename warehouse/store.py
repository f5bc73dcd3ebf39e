"""The two DuckDB files and the raw tables in them.

Connections, identifier quoting, the DDL made from ``raw_tables`` and the rule by which
the current version of a row is found stand here. Add what every writer or reader of the
store needs; keep loading (``load``) and publishing (``publish``) out.
"""

# ruff: noqa: S608 - identifiers and paths pass the quoting helpers of ``store``.

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from warehouse.raw_tables import RAW_TABLES, RawTable

if TYPE_CHECKING:
    from warehouse.settings import Settings

LOAD_COLUMNS = ("load_id", "replaces_load_id")

# Tables that say what happened to the raw tables: name -> (columns, description).
LOG_TABLES: dict[str, tuple[str, str]] = {
    "load": (
        """
        load_id bigint primary key,
        source varchar not null,
        mapping varchar not null,
        mapping_sha256 varchar not null,
        table_name varchar not null,
        file_path varchar not null,
        file_sha256 varchar not null,
        loaded_at timestamptz not null,
        row_count_read bigint not null,
        row_count_accepted bigint not null,
        row_count_unchanged bigint not null,
        row_count_rejected bigint not null,
        first_date date,
        last_date date,
        status varchar not null,
        check (
            row_count_read
            = row_count_accepted + row_count_unchanged + row_count_rejected
        )
        """,
        "Loads that took effect. One row per file and raw table.",
    ),
    "rejected_row": (
        """
        load_id bigint not null,
        table_name varchar not null,
        file_path varchar not null,
        line_number bigint,
        column_name varchar,
        value varchar,
        reason varchar not null,
        expected varchar not null,
        row_json varchar not null
        """,
        "Rows set aside by a load. One row per row of the file that was not taken.",
    ),
    "load_finding": (
        """
        load_id bigint not null,
        finding varchar not null,
        row_count bigint not null,
        example varchar
        """,
        "What a load noticed in rows that it took. One row per load and finding.",
    ),
    "lake_file": (
        """
        load_id bigint not null,
        table_name varchar not null,
        trade_date date not null,
        file_path varchar not null,
        row_count bigint not null
        """,
        "Files of the lake. One row per table, day and load that wrote the day.",
    ),
    "build_state": (
        """
        build_id varchar not null,
        finished_at timestamptz not null,
        last_load_id bigint not null,
        project_hash varchar not null,
        build_from date,
        as_of_date date
        """,
        "Builds that succeeded: what was built, from which day. One row per build.",
    ),
    "model_run": (
        """
        run_id varchar primary key,
        model_code varchar not null,
        network varchar not null,
        label varchar not null,
        features varchar not null,
        config_sha256 varchar not null,
        config_json varchar not null,
        train_first_date date not null,
        train_last_date date not null,
        valid_first_date date not null,
        valid_last_date date not null,
        max_label_end_date date not null,
        first_scored_date date not null,
        period_end_date date not null,
        embargo_days bigint not null,
        train_date_count bigint not null,
        valid_date_count bigint not null,
        stock_count bigint not null,
        parameter_count bigint not null,
        seed_count bigint not null,
        epoch_count bigint not null,
        valid_ic double not null,
        code_version varchar not null,
        device varchar not null,
        seconds double not null,
        checkpoint_path varchar not null,
        weights_sha256 varchar not null,
        trained_at timestamptz not null,
        check (train_last_date < valid_first_date),
        check (valid_last_date < max_label_end_date),
        check (max_label_end_date < first_scored_date),
        check (first_scored_date < period_end_date)
        """,
        "Trainings of the models that were finished. One row per checkpoint.",
    ),
    "model_training_epoch": (
        """
        run_id varchar not null,
        seed bigint not null,
        epoch bigint not null,
        loss double not null,
        valid_ic double not null,
        is_best boolean not null,
        seconds double not null
        """,
        "Epochs of the trainings. One row per training, seed and epoch.",
    ),
    "model_week": (
        """
        model_code varchar not null,
        trade_week date not null,
        run_id varchar not null,
        stock_count bigint not null
        """,
        "Weeks that were scored, empty ones too. One row per model, week and scoring.",
    ),
    "model_absence": (
        """
        model_code varchar not null,
        reason varchar not null
        """,
        "Why a model has no scores, as of the last refresh. One row per such model.",
    ),
    "text_run": (
        """
        run_id varchar primary key,
        encoder_code varchar not null,
        encoder_name varchar not null,
        encoder_revision varchar not null,
        corpus_cutoff_date date,
        corpus_report_count bigint,
        dimension_count bigint not null,
        config_sha256 varchar not null,
        config_json varchar not null,
        train_first_date date not null,
        train_last_date date not null,
        max_label_end_date date not null,
        first_scored_date date not null,
        period_end_date date not null,
        train_report_count bigint not null,
        low_threshold double not null,
        high_threshold double not null,
        code_version varchar not null,
        seconds double not null,
        checkpoint_path varchar not null,
        classifier_sha256 varchar not null,
        trained_at timestamptz not null,
        check (max_label_end_date < first_scored_date),
        check (first_scored_date < period_end_date)
        """,
        "Trainings of the text models. One row per encoder and scored period.",
    ),
    "check_result": (
        """
        run_id varchar not null,
        checked_at timestamptz not null,
        check_name varchar not null,
        table_name varchar,
        severity varchar not null,
        status varchar not null,
        failure_count bigint,
        message varchar
        """,
        "Results of checks. One row per run, check and attempt.",
    ),
}


class StoreError(RuntimeError):
    """The store cannot be opened; the message says why and what to do."""


def quote_identifier(name: str) -> str:
    """Quote a table or column name for use in SQL text."""
    return '"' + name.replace('"', '""') + '"'


def quote_literal(text: str) -> str:
    """Quote a text for the few statements that take no bound values (views)."""
    return "'" + text.replace("'", "''") + "'"


@contextmanager
def _connect(
    path: Path, settings: Settings, *, read_only: bool
) -> Iterator[duckdb.DuckDBPyConnection]:
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": settings.memory_limit,
        "threads": settings.threads,
        "temp_directory": str(settings.home / "spill"),
    }
    try:
        try:
            connection = duckdb.connect(str(path), read_only=read_only, config=config)
        except duckdb.InternalException:
            replay_log(path)
            connection = duckdb.connect(str(path), read_only=read_only, config=config)
    except duckdb.IOException as error:
        if "lock" in str(error):
            holder = re.search(r"PID (\d+)", str(error))
            who = f"process {holder.group(1)}" if holder else "another process"
            message = f"{path} is in use by {who}: wait for it to end, then try again"
            raise StoreError(message) from error
        raise StoreError(f"{path} cannot be opened: {error}") from error
    try:
        # Only once the connection stands: the bundled icu is loaded by then.
        connection.execute("set TimeZone = 'Asia/Shanghai'")
        yield connection
    finally:
        connection.close()


def flush(path: Path) -> None:
    """Write a file's or a folder's changes through to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replay_log(path: Path) -> None:
    """Bring into a file what a killed writer left in its write-ahead log.

    DuckDB 1.5.5 cannot replay a comment on a table whose CHECK constraint calls a
    function while it opens the file as its main database ("no default database set");
    the file attached to a database in memory, it can. Call it only after opening the
    file has failed: then no connection of this process has it.
    """
    name = quote_identifier(path.stem)
    with duckdb.connect() as connection:
        connection.execute(f"attach {quote_literal(str(path))} as {name}")
        connection.execute(f"checkpoint {name}")
        connection.execute(f"detach {name}")


@contextmanager
def connect_build(
    settings: Settings, *, read_only: bool = False
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the builder's file; the folder is made when it is missing.

    Raises
    ------
    StoreError
        Another process writes to the file, or it does not exist and ``read_only``.
    """
    settings.home.mkdir(parents=True, exist_ok=True)
    if read_only and not settings.build_path.exists():
        message = f"{settings.build_path} does not exist: run `lundong refresh` first"
        raise StoreError(message)
    with _connect(settings.build_path, settings, read_only=read_only) as connection:
        yield connection


@contextmanager
def connect_published(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the current publication, read-only.

    Raises
    ------
    StoreError
        Nothing has been published yet.
    """
    if not settings.published_path.exists():
        message = f"{settings.published_path} does not exist: run `lundong refresh`"
        raise StoreError(message)
    path = settings.published_path.resolve()
    with _connect(path, settings, read_only=True) as connection:
        yield connection


def _column_sql(table: RawTable) -> str:
    lines = [
        f"{quote_identifier(column.name)} {column.type}"
        + (" not null" if column.required else "")
        for column in table.columns
    ]
    lines += ["load_id bigint not null", "replaces_load_id bigint"]
    return ",\n    ".join(lines)


def _add_new_columns(con: duckdb.DuckDBPyConnection, table: RawTable) -> None:
    """Add what has been declared since the table was made; NULL in its old rows."""
    present = {
        row[0]
        for row in con.execute(
            "select column_name from information_schema.columns "
            "where table_schema = 'raw' and table_name = ?",
            [table.name],
        ).fetchall()
    }
    for column in table.columns:
        if column.name not in present:
            con.execute(
                f"alter table raw.{quote_identifier(table.name)} "
                f"add column {quote_identifier(column.name)} {column.type}"
            )


def create_raw_tables(con: duckdb.DuckDBPyConnection) -> None:
    """Create schema ``raw`` with every raw table and column that is not there yet.

    Tables of the lake become views over the current file of each day.
    """
    con.execute("create schema if not exists raw")
    for name, (columns, description) in LOG_TABLES.items():
        con.execute(f"create table if not exists raw.{name} ({columns})")
        con.execute(f"comment on table raw.{name} is {quote_literal(description)}")
    for table in RAW_TABLES:
        if table.storage == "lake":
            refresh_lake_view(con, table)
            continue
        name = f"raw.{quote_identifier(table.name)}"
        con.execute(f"create table if not exists {name} (\n    {_column_sql(table)}\n)")
        _add_new_columns(con, table)
        con.execute(f"comment on table {name} is {quote_literal(table.description)}")


def lake_root(con: duckdb.DuckDBPyConnection) -> Path:
    """Return the folder of the lake, which lies beside the builder's file."""
    row = con.execute(
        "select path from duckdb_databases() where database_name = current_database()"
    ).fetchone()
    if row is None or row[0] is None:
        raise StoreError("the lake needs a builder's file, not a database in memory")
    return Path(row[0]).parent / "lake"


def lake_rows_sql(
    table: RawTable, files: Sequence[Path], *, root: Path | None = None
) -> str:
    """Return the query for the rows of a lake table in some of its files.

    With ``root``, the folder of the lake, ``file_path`` tells below it which file a row
    lies in, as in ``raw.lake_file``.
    """
    if files:
        paths = ", ".join(quote_literal(str(file)) for file in files)
        names = (*(column.name for column in table.columns), *LOAD_COLUMNS)
        selected = ", ".join(quote_identifier(name) for name in names)
        if root is not None:
            selected += f", substr(filename, {len(str(root)) + 2}) as file_path"
        return (
            f"select {selected} from read_parquet([{paths}], hive_partitioning = false)"
        )
    typed = [
        f"cast(null as {column.type}) as {quote_identifier(column.name)}"
        for column in table.columns
    ]
    typed += [f"cast(null as bigint) as {name}" for name in LOAD_COLUMNS]
    if root is not None:
        typed.append("cast(null as varchar) as file_path")
    return f"select {', '.join(typed)} where false"


def refresh_lake_view(con: duckdb.DuckDBPyConnection, table: RawTable) -> None:
    """Point the view ``raw.<table>`` at the newest file of each day.

    ``raw.<table>_file`` shows all files of each day, for what was known earlier: a day
    is written whole, so its newest file no longer holds the versions it replaced.
    """
    rows = con.execute(
        """
        select
            file_path,
            row_number() over (partition by trade_date order by load_id desc) = 1,
        from raw.lake_file
        where table_name = ?
        order by trade_date, load_id
        """,
        [table.name],
    ).fetchall()
    root = lake_root(con) if rows else Path()
    files = [root / path for path, _ in rows]
    missing = next((file for file in files if not file.exists()), None)
    if missing is not None:
        message = f"{missing} is missing: restore {root}, or load into an empty store"
        raise StoreError(message)
    newest = [root / path for path, is_newest in rows if is_newest]
    body = lake_rows_sql(table, newest)
    view = f"raw.{quote_identifier(table.name)}"
    con.execute(f"create or replace view {view} as {body}")
    con.execute(f"comment on view {view} is {quote_literal(table.description)}")
    body = lake_rows_sql(table, files, root=root)
    view = f"raw.{quote_identifier(f'{table.name}_file')}"
    con.execute(f"create or replace view {view} as {body}")
    comment = f"All files of each day, each as it was written. {table.description}"
    con.execute(f"comment on view {view} is {quote_literal(comment)}")


def current_rows_sql(
    table: RawTable,
    columns: Iterable[str] | None = None,
    *,
    condition: str = "true",
    known_at: bool = False,
    catalog: str | None = None,
) -> str:
    """Return the query for the newest version of each row of a raw table.

    Parameters
    ----------
    columns : iterable of str, optional
        Columns wanted; all declared columns, ``load_id`` and ``replaces_load_id`` by
        default.
    condition : str
        SQL condition over columns of the key that both versions of a row share.
    known_at : bool
        Read what was known at a time: the query then has the named parameter
        ``$known_at``.
    catalog : str, optional
        Name of an attached store to read a table kept in DuckDB from.

    Notes
    -----
    A version is current when no later row names its key and its ``load_id`` in
    ``replaces_load_id``. Corrections are few, so this is an anti join against a tiny
    set, never a sort of the whole table. Of a lake table the newest file of each day
    holds what is current; what was known at a time lies in the newest file of then.
    """
    wanted = columns or (*(column.name for column in table.columns), *LOAD_COLUMNS)
    selected = ", ".join(f"version.{quote_identifier(name)}" for name in wanted)
    key = ", ".join(quote_identifier(name) for name in table.key)
    known_load = (
        "load_id in (select load_id from raw.load where loaded_at <= $known_at)"
    )
    known = f"and {known_load}" if known_at else ""
    name = f"raw.{quote_identifier(table.name)}"
    if catalog is not None:
        name = f"{quote_identifier(catalog)}.{name}"
    if known_at and table.storage == "lake":
        name = f"""(
            select rows.* exclude (file_path)
            from raw.{quote_identifier(f"{table.name}_file")} as rows
            semi join (
                select file_path
                from raw.lake_file
                where table_name = {quote_literal(table.name)} and {known_load}
                qualify row_number() over (
                    partition by trade_date order by load_id desc
                ) = 1
            ) as file using (file_path)
        )"""
    return f"""
        select {selected}
        from (select * from {name} where {condition} {known}) as version
        anti join (
            select {key}, replaces_load_id as load_id
            from {name}
            where replaces_load_id is not null and {condition} {known}
        ) as correction using ({key}, load_id)
    """
