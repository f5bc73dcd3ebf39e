"""What is loaded: rows and days by raw table, and what is known of a span of days.

Read-only questions about the raw layer for the command line and Dagster. Add a question
here; keep the answers' judgement out, that is ``checks``'.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

import duckdb

from warehouse.build_window import last_loaded_day
from warehouse.raw_tables import RAW_TABLES


@dataclass(frozen=True)
class RawTableState:
    """What is loaded of one raw table.

    Attributes
    ----------
    row_count : int
        Rows stored, superseded versions included.
    first_date, last_date : date or None
        Range of the known dates; None for tables without one, or empty.
    load_count : int
        Loads that took rows.
    last_loaded_at : datetime or None
        Time of the newest of them.
    rejected_count : int
        Rows set aside by all loads.
    """

    name: str
    row_count: int
    first_date: date | None
    last_date: date | None
    load_count: int
    last_loaded_at: datetime | None
    rejected_count: int


@dataclass(frozen=True)
class WeekState:
    """What is known of a span of calendar days.

    Attributes
    ----------
    first_trading_day : date or None
        First open day of the span; None if it has none.
    calendar_end : date or None
        Last day of the loaded calendar.
    last_bar : date or None
        Last day with daily bars of the market, of all that is loaded.
    """

    first_trading_day: date | None
    calendar_end: date | None
    last_bar: date | None


def raw_table_states(
    con: duckdb.DuckDBPyConnection, *, log: str = "raw.load"
) -> list[RawTableState]:
    """Return the state of every raw table, in the order of their declaration.

    Parameters
    ----------
    log : str
        Table of the loads: the builder's, or its published copy.
    """
    found = {
        row[0]: RawTableState(*row)
        for row in con.execute(
            f"""
            select
                table_name,
                sum(row_count_accepted)::bigint as row_count,
                min(first_date) filter (row_count_accepted > 0) as first_date,
                max(last_date) filter (row_count_accepted > 0) as last_date,
                count(*) filter (row_count_accepted > 0) as load_count,
                max(loaded_at) filter (row_count_accepted > 0) as last_loaded_at,
                sum(row_count_rejected)::bigint as rejected_count
            from {log}
            group by table_name
            """  # noqa: S608
        ).fetchall()
    }
    return [
        found.get(table.name, RawTableState(table.name, 0, None, None, 0, None, 0))
        for table in RAW_TABLES
    ]


def week_state(
    con: duckdb.DuckDBPyConnection, first_day: date, last_day: date
) -> WeekState:
    """Return what is known of the days from ``first_day`` to ``last_day``."""
    row = con.execute(
        """
        with calendar as (
            select calendar_date, is_open
            from raw.trading_calendar
            qualify
                row_number() over (partition by calendar_date order by load_id desc) = 1
        )

        select
            min(calendar_date) filter (is_open and calendar_date between ? and ?),
            max(calendar_date)
        from calendar
        """,
        [first_day, last_day],
    ).fetchone()
    first_trading_day, calendar_end = row or (None, None)
    return WeekState(first_trading_day, calendar_end, last_loaded_day(con))
