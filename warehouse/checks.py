"""Checks over the raw tables and the publication, and the record of their results.

Each check is one query and returns one outcome; Dagster shows it beside the table. Add
a check of loaded data here; keep checks of built tables out, they are dbt tests.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import duckdb

from warehouse.build_window import LOADED_DAY_MINIMUM_SHARE, bars_by_day_sql
from warehouse.lock import EXCHANGE_TIME
from warehouse.publish import Publication
from warehouse.raw_tables import RAW_TABLES
from warehouse.store import quote_identifier

# One bad row in a hundred is a bad file, not a bad row.
REJECTED_SHARE_LIMIT = 0.01


@dataclass(frozen=True)
class CheckOutcome:
    """What a check found.

    Attributes
    ----------
    name : str
        Name of the check.
    table_name : str
        Table with schema that the check is about.
    severity : str
        ``error`` stops the refresh, ``warn`` is shown.
    failure_count : int
        Rows, days or loads at fault; 0 when the check passed.
    message : str
        What was found, with the first example.
    """

    name: str
    table_name: str
    severity: Literal["error", "warn"]
    failure_count: int
    message: str

    @property
    def passed(self) -> bool:
        """Whether nothing was at fault."""
        return self.failure_count == 0

    @property
    def status(self) -> str:
        """``pass``, or what a failure amounts to: ``fail`` or ``warn``."""
        if self.passed:
            return "pass"
        return "fail" if self.severity == "error" else "warn"


def check_loads_add_up(con: duckdb.DuckDBPyConnection) -> CheckOutcome:
    """Every load's accepted rows are in its table."""
    stored = " union all ".join(
        f"select load_id, count(*) as row_count "  # noqa: S608
        f"from raw.{quote_identifier(table.name)} group by load_id"
        for table in RAW_TABLES
        if table.storage == "duckdb"
    )
    bad = con.execute(
        f"""
        with stored as (
            select load_id, sum(row_count) as row_count from ({stored}) group by load_id
        )

        select load.load_id, load.table_name, load.row_count_accepted, stored.row_count
        from raw.load as load
        left join stored on load.load_id = stored.load_id
        where
            load.table_name in (select unnest(?))
            and load.row_count_accepted <> coalesce(stored.row_count, 0)
        order by load.load_id
        """,  # noqa: S608
        [[table.name for table in RAW_TABLES if table.storage == "duckdb"]],
    ).fetchall()
    message = "the rows of every load are there"
    if bad:
        load_id, table_name, accepted, found = bad[0]
        message = (
            f"load {load_id} took {accepted} rows into {table_name}, "
            f"which has {found or 0} of them"
        )
    return CheckOutcome("loads_add_up", "raw.daily_bar", "error", len(bad), message)


def check_days_have_bars(con: duckdb.DuckDBPyConnection) -> CheckOutcome:
    """Every open day between the first and the last loaded day is one of the market.

    Between two loaded days, stocks without a bar are taken for suspended. Before the
    first and after the last, bars of a few stocks are allowed: they make no day.
    """
    bad = con.execute(
        f"""
        with bars as ({bars_by_day_sql()}),

        span as (
            select min(trade_date) as first_date, max(trade_date) as last_date
            from bars
            where listed_count > 0 and bar_count >= $share * listed_count
        ),

        open_day as (
            select calendar_date
            from raw.trading_calendar
            qualify
                row_number() over (partition by calendar_date order by load_id desc) = 1
                and is_open
        )

        select open_day.calendar_date, bars.bar_count, bars.listed_count
        from open_day
        inner join span
            on open_day.calendar_date between span.first_date and span.last_date
        left join bars on open_day.calendar_date = bars.trade_date
        where coalesce(bars.bar_count < $share * bars.listed_count, true)
        order by open_day.calendar_date
        """,  # noqa: S608
        {"share": LOADED_DAY_MINIMUM_SHARE},
    ).fetchall()
    message = "every trading day has bars of the market"
    if bad:
        day, bar_count, listed_count = bad[0]
        found = (
            f"{bar_count} of {listed_count} listed stocks have a bar on {day}"
            if bar_count
            else f"no stock has a bar on {day}"
        )
        message = (
            f"{found}, below {LOADED_DAY_MINIMUM_SHARE:.0%} of them (trading days like "
            f"it: {len(bad)}): load the day's bars, or the calendar if it was closed"
        )
    return CheckOutcome("days_have_bars", "raw.daily_bar", "error", len(bad), message)


def check_rejected_share(con: duckdb.DuckDBPyConnection) -> CheckOutcome:
    """Of no file was more than a hundredth set aside in its newest load."""
    bad = con.execute(
        """
        with newest as (
            select load_id, table_name, file_path, row_count_read, row_count_rejected
            from raw.load
            qualify
                row_number() over (
                    partition by table_name, file_path order by load_id desc
                ) = 1
        )

        select table_name, file_path, row_count_read, row_count_rejected
        from newest
        where row_count_rejected > ? * row_count_read
        order by load_id
        """,
        [REJECTED_SHARE_LIMIT],
    ).fetchall()
    message = "few or no rows were set aside"
    if bad:
        table_name, file_path, read, rejected = bad[0]
        message = f"{rejected} of {read} rows of {file_path} ({table_name}) set aside"
    return CheckOutcome("rejected_share", "raw.daily_bar", "warn", len(bad), message)


def check_publication(
    con: duckdb.DuckDBPyConnection, publication: Publication
) -> CheckOutcome:
    """Readers of the published file see the publication that was just made."""
    row = con.execute(
        """
        select publication_id, content_hash
        from meta.meta_publication
        order by publication_id desc
        limit 1
        """
    ).fetchone()
    expected = (publication.publication_id, publication.content_hash)
    message = f"readers see publication {publication.publication_id}"
    if row != expected:
        message = f"readers see publication {row and row[0]}, not {expected[0]}"
    return CheckOutcome(
        "publication_is_current",
        "meta.meta_publication",
        "error",
        int(row != expected),
        message,
    )


RAW_CHECKS = (check_loads_add_up, check_days_have_bars, check_rejected_share)


def record_outcomes(
    con: duckdb.DuckDBPyConnection, run_id: str, outcomes: Iterable[CheckOutcome]
) -> None:
    """Write results of checks to ``raw.check_result``."""
    now = datetime.now(EXCHANGE_TIME)
    con.executemany(
        """
        insert into raw.check_result (
            run_id, checked_at, check_name, table_name, severity, status,
            failure_count, message
        )
        values (?, ?, ?, ?, ?, ?, ?, ?)
        """,
        [
            [
                run_id,
                now,
                outcome.name,
                outcome.table_name,
                outcome.severity,
                outcome.status,
                outcome.failure_count,
                outcome.message,
            ]
            for outcome in outcomes
        ],
    )
