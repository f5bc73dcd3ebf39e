"""Checks of the raw tables, on a handful of stocks."""

from __future__ import annotations

from datetime import date, timedelta

import duckdb
import pytest

from warehouse.checks import CheckOutcome, check_days_have_bars
from warehouse.store import create_raw_tables

STOCKS = 109
MONDAY = date(2024, 6, 17)
# Monday to Friday of two weeks.
DAYS = [MONDAY + timedelta(days=i) for i in range(12) if i % 7 < 5]


@pytest.fixture
def con() -> duckdb.DuckDBPyConnection:
    """Make raw tables with a calendar and stocks, without bars."""
    connection = duckdb.connect()
    create_raw_tables(connection)
    connection.execute(
        """
        insert into raw.security by name
        select
            format('{:06d}.SH', 600000 + i) as security_code,
            ? as list_date,
            'name' as name,
            'main' as board,
            1 as load_id,
        from range(?) as t (i)
        """,
        [DAYS[1], STOCKS],
    )
    connection.executemany(
        """
        insert into raw.trading_calendar by name
        select ? as calendar_date, true as is_open, 1 as load_id
        """,
        [[day] for day in DAYS],
    )
    return connection


def add_bars(
    con: duckdb.DuckDBPyConnection, day: date, count: int, *, load_id: int = 1
) -> None:
    con.execute(
        """
        insert into raw.daily_bar by name
        select
            format('{:06d}.SH', 600000 + i) as security_code,
            ? as trade_date,
            10.0 as open_cny,
            10.0 as high_cny,
            10.0 as low_cny,
            10.0 as close_cny,
            1.0 as volume_shares,
            10.0 as amount_cny,
            1.0 as adjust_factor,
            ? as load_id,
            case when ? > 1 then 1 end as replaces_load_id,
        from range(?) as t (i)
        """,
        [day, load_id, load_id, count],
    )


def outcome_of(con: duckdb.DuckDBPyConnection, counts: list[int]) -> CheckOutcome:
    """Return the outcome with so many bars on each of the days."""
    for day, count in zip(DAYS, counts, strict=True):
        add_bars(con, day, count)
    return check_days_have_bars(con)


def test_a_day_of_a_few_stocks_amid_the_market_is_an_error(
    con: duckdb.DuckDBPyConnection,
) -> None:
    outcome = outcome_of(con, [0, 109, 109, 2, 109, 109, 21, 109, 109, 109])
    assert (outcome.status, outcome.failure_count) == ("fail", 2)
    assert outcome.message == (
        "2 of 109 listed stocks have a bar on 2024-06-20, below 20% of them (trading "
        "days like it: 2): load the day's bars, or the calendar if it was closed"
    )


def test_a_day_without_a_bar_is_an_error(con: duckdb.DuckDBPyConnection) -> None:
    outcome = outcome_of(con, [0, 109, 109, 0, 109, 109, 109, 109, 109, 109])
    assert (outcome.status, outcome.failure_count) == ("fail", 1)
    assert outcome.message.startswith("no stock has a bar on 2024-06-20")
    # The exchanges were closed: a newer calendar says so.
    con.execute(
        """
        insert into raw.trading_calendar by name
        select ? as calendar_date, false as is_open, 2 as load_id
        """,
        [DAYS[3]],
    )
    assert check_days_have_bars(con).status == "pass"


def test_a_corrected_bar_counts_once(con: duckdb.DuckDBPyConnection) -> None:
    add_bars(con, DAYS[3], 11, load_id=2)
    outcome = outcome_of(con, [0, 109, 109, 11, 109, 109, 109, 109, 109, 109])
    assert outcome.failure_count == 1
    assert outcome.message.startswith("11 of 109")


@pytest.mark.parametrize(
    "counts",
    [
        # Half of the market suspended, and just a fifth of it with a bar.
        [0, 109, 109, 55, 22, 109, 109, 109, 109, 109],
        # Bars before the stocks are listed; few bars before the first whole day.
        [3, 2, 0, 2, 109, 109, 109, 109, 109, 109],
        # A file of a few stocks reaches further.
        [0, 109, 109, 109, 109, 109, 2, 0, 2, 2],
        [0, 2, 2, 0, 2, 0, 2, 2, 2, 2],
        [0] * 10,
    ],
    ids=["suspended", "before", "after", "no market", "nothing"],
)
def test_days_that_are_as_they_may_be(
    con: duckdb.DuckDBPyConnection, counts: list[int]
) -> None:
    outcome = outcome_of(con, counts)
    assert outcome.status == "pass", outcome.message
