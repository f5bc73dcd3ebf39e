"""How the warehouse stands: what is loaded, published, failed and absent.

Answers for the command line, from the builder's file or, while somebody writes to it,
from the publication. Add a line of the status here; keep how it is printed out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import duckdb

from warehouse.raw_state import RawTableState, raw_table_states
from warehouse.settings import Settings
from warehouse.store import (
    StoreError,
    connect_build,
    connect_published,
    create_raw_tables,
    quote_identifier,
)

# Dimensions whose rows say of themselves whether they can be computed.
AVAILABILITY = ("dim_factor", "dim_strategy", "dim_model")


@dataclass(frozen=True)
class PublicationState:
    """The current publication."""

    publication_id: int
    published_at: datetime
    as_of_date: date
    is_generated: bool | None


@dataclass(frozen=True)
class CheckState:
    """A check that did not pass in the last run."""

    name: str
    table_name: str | None
    status: str
    message: str | None


@dataclass(frozen=True)
class Absent:
    """A factor, strategy or model that cannot be computed from what is loaded."""

    kind: str
    code: str
    reason: str | None


@dataclass(frozen=True)
class Status:
    """How the warehouse stands.

    Attributes
    ----------
    writer : str or None
        Who writes to the store; what is loaded is then as of the publication.
    tables : list of RawTableState
        Raw tables with rows.
    publication : PublicationState or None
        None when nothing has been published.
    failed_checks : list of CheckState
        Checks of the last run that did not pass.
    absent : list of Absent
        What the last publication could not compute, with the reason.
    """

    writer: str | None
    tables: list[RawTableState]
    publication: PublicationState | None
    failed_checks: list[CheckState]
    absent: list[Absent]


def read_status(settings: Settings) -> Status:
    """Read the status of a store; an empty one has an empty status."""
    writer: str | None = None
    tables: list[RawTableState] = []
    checks: list[CheckState] = []
    if settings.build_path.exists():
        try:
            with connect_build(settings, read_only=True) as con:
                tables = raw_table_states(con)
                checks = _failed_checks(con, "raw.check_result")
        except StoreError as error:
            writer = str(error)
        except duckdb.CatalogException:
            # A file without raw tables: nothing was ever loaded.
            tables = []
    publication: PublicationState | None = None
    absent: list[Absent] = []
    if settings.published_path.exists():
        with connect_published(settings) as con:
            publication = _publication(con)
            absent = _absent(con)
            if writer is not None:
                tables = raw_table_states(con, log="meta.meta_load")
                checks = _failed_checks(con, "meta.meta_check_result")
    return Status(
        writer,
        [table for table in tables if table.row_count or table.rejected_count],
        publication,
        checks,
        absent,
    )


def is_loaded(settings: Settings) -> bool:
    """Whether the store has daily bars."""
    if not settings.build_path.exists():
        return False
    with connect_build(settings) as con:
        create_raw_tables(con)
        states = {state.name: state for state in raw_table_states(con)}
    return states["daily_bar"].row_count > 0


def first_published_day(settings: Settings) -> date | None:
    """Return the first day with daily bars; None when nothing is published."""
    if not settings.published_path.exists():
        return None
    with connect_published(settings) as con:
        states = {
            state.name: state for state in raw_table_states(con, log="meta.meta_load")
        }
    return states["daily_bar"].first_date


def trade_week_of(settings: Settings, day: date) -> date:
    """Return the last trading day of the exchange week that holds ``day``.

    Raises
    ------
    StoreError
        Nothing is published, or the week has no trading day in it.
    """
    monday = day - timedelta(days=day.weekday())
    with connect_published(settings) as con:
        row = con.execute(
            """
            select max(trade_week)
            from core.dim_trade_week
            where trade_week between ? and ?
            """,
            [monday, monday + timedelta(days=6)],
        ).fetchone()
    if row is None or row[0] is None:
        raise StoreError(f"the week of {day} has no trading day in the publication")
    found: date = row[0]
    return found


def _publication(con: duckdb.DuckDBPyConnection) -> PublicationState | None:
    newest = con.execute(
        "from meta.meta_publication order by publication_id desc limit 1"
    )
    names = [item[0] for item in newest.description or ()]
    row = newest.fetchone()
    if row is None:
        return None
    found = dict(zip(names, row, strict=True))
    return PublicationState(
        found["publication_id"],
        found["published_at"],
        found["as_of_date"],
        # Not in a publication of an earlier version.
        found.get("is_generated"),
    )


def _failed_checks(con: duckdb.DuckDBPyConnection, table: str) -> list[CheckState]:
    rows = con.execute(
        f"""
        with newest_run as (
            select run_id
            from {table}
            group by run_id
            order by
                bool_or(check_name = 'loads_add_up') desc,
                max(checked_at) desc,
                run_id desc
            limit 1
        ),

        newest_attempt as (
            select check_name, table_name, status, message
            from {table}
            where
                run_id in (select run_id from newest_run)
                -- Monthly, in a run of its own.
                or check_name = 'causality'
            qualify
                row_number() over (partition by check_name order by checked_at desc)
                = 1
        )

        select check_name, table_name, status, message
        from newest_attempt
        where status <> 'pass'
        order by check_name
        """  # noqa: S608
    ).fetchall()
    return [CheckState(*row) for row in rows]


def _absent(con: duckdb.DuckDBPyConnection) -> list[Absent]:
    tables = con.execute(
        """
        select schema_name, table_name
        from duckdb_columns()
        where table_name in (select unnest(?)) and schema_name <> 'archive'
        group by schema_name, table_name
        having bool_or(column_name = 'is_available')
        order by table_name
        """,
        [list(AVAILABILITY)],
    ).fetchall()
    absent: list[Absent] = []
    for schema, table in tables:
        kind = table.removeprefix("dim_")
        relation = f"{quote_identifier(schema)}.{quote_identifier(table)}"
        code = quote_identifier(f"{kind}_code")
        rows = con.execute(
            f"""
            select {code}, unavailable_reason
            from {relation}
            where not is_available
            order by {code}
            """  # noqa: S608
        ).fetchall()
        absent += [Absent(kind, row[0], row[1]) for row in rows]
    return absent
