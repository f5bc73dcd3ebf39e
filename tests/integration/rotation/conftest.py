"""A build file with made-up upstream tables, and dbt to run single models on it.

Add what the tests of the strategy engine and of the reconciliation share; keep the
markets and figures that a test makes up in the test itself.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from tests.dbt_process import run_dbt
from warehouse.settings import PROJECT_ROOT

DBT_PROJECT = PROJECT_ROOT / "dbt_project"


class DbtFile:
    """One DuckDB file that dbt's models are built in, a few at a time.

    Models whose upstream tables stand in the file already, put there by the test, are
    built as they are in a refresh.
    """

    def __init__(self, folder: Path, target: Path) -> None:
        self.path = folder / "build.duckdb"
        self._folder = folder
        self._target = target

    def connect(self) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        """Open the file; dbt must not be running."""
        return duckdb.connect(str(self.path))

    def dbt(self, command: str, *select: str) -> None:
        """Run a dbt command on the selected nodes; its output is the error's text."""
        arguments = [
            command,
            *("--select", *select),
            *("--target-path", str(self._target)),
            *("--log-path", str(self._folder / "logs")),
        ]
        variables = {
            "LUNDONG_BUILD_PATH": str(self.path),
            "LUNDONG_MEMORY_LIMIT": "1GB",
            "LUNDONG_THREADS": "2",
        }
        result = run_dbt(arguments, variables)
        assert result.returncode == 0, result.stdout[-4000:]


def make_trading_days(days: list[dt.date], last_loaded: dt.date) -> pd.DataFrame:
    """Make the rows of int_trading_day for a calendar that holds whole periods only."""
    weeks = {day.isocalendar()[:2]: day for day in days}
    months = {(day.year, day.month): day for day in days}
    frame = pd.DataFrame(
        {
            "trade_date": days,
            "day_index": range(1, len(days) + 1),
            "trade_week": [weeks[day.isocalendar()[:2]] for day in days],
            "trade_month_end": [months[day.year, day.month] for day in days],
        }
    )
    frame["previous_trade_date"] = [None, *days[:-1]]
    frame["next_trade_date"] = [day for _, day in itertools.pairwise(days)] + [None]
    ends = sorted(weeks.values())
    following = dict(itertools.pairwise(ends))
    frame["next_trade_week"] = [following.get(week) for week in frame["trade_week"]]
    frame["is_week_end"] = frame["trade_date"] == frame["trade_week"]
    frame["is_month_end"] = frame["trade_date"] == frame["trade_month_end"]
    frame["is_week_complete"] = frame["trade_week"] <= last_loaded
    frame["is_month_complete"] = frame["trade_month_end"] <= last_loaded
    frame["is_loaded"] = frame["trade_date"] <= last_loaded
    return frame


def write_trading_days(
    con: duckdb.DuckDBPyConnection, days: list[dt.date], last_loaded: dt.date
) -> None:
    """Put a calendar where int_trading_day would stand."""
    con.register("trading_days", make_trading_days(days, last_loaded))
    con.execute(
        """
        create schema if not exists intermediate;
        create or replace table intermediate.int_trading_day as
        select * replace (
            cast(trade_date as date) as trade_date,
            cast(trade_week as date) as trade_week,
            cast(next_trade_week as date) as next_trade_week,
            cast(trade_month_end as date) as trade_month_end,
            cast(previous_trade_date as date) as previous_trade_date,
            cast(next_trade_date as date) as next_trade_date
        )
        from trading_days
        """
    )


WriteTradingDays = Callable[[duckdb.DuckDBPyConnection, list[dt.date], dt.date], None]


@pytest.fixture(scope="session")
def write_calendar() -> WriteTradingDays:
    """Return the writer of a made-up calendar."""
    return write_trading_days


@pytest.fixture(scope="session")
def make_dbt_file(
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[], DbtFile]:
    """Return a maker of files; parsed once for all of them."""
    target = tmp_path_factory.mktemp("target")
    return lambda: DbtFile(tmp_path_factory.mktemp("build"), target)
