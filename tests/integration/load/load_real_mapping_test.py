"""The mapping of the real files, on files of a few rows made here.

Add what the mapping derives from the files' columns; keep figures of the real files
out, they are in ``tests/real``.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from warehouse.settings import PROJECT_ROOT

REAL = PROJECT_ROOT / "warehouse" / "mappings" / "real.toml"
MONDAY = dt.date(2024, 2, 26)


def load_margin(market: Any, days: list[dt.date]) -> None:
    market.write_parquet(
        "margin_total_2024.parquet",
        [
            {
                "date": day.isoformat(),
                "fin_balance": 1.0,
                "loan_balance": 1.0,
                "fin_buy": 1.0,
            }
            for day in days
        ],
    )
    market.load(REAL)


@pytest.mark.parametrize(
    ("last_weekday", "closed"),
    [(4, ["2024-03-02", "2024-03-03"]), (3, [])],
    ids=["week ends on its Friday", "Friday is not known yet"],
)
def test_the_calendar_knows_that_weekends_are_closed(
    last_weekday: int, closed: list[str], empty_market: Any
) -> None:
    first = MONDAY - dt.timedelta(days=3)
    days = [MONDAY + dt.timedelta(days=number) for number in range(last_weekday + 1)]

    load_margin(empty_market, [first, *days])

    assert empty_market.query(
        "select calendar_date from raw.trading_calendar where is_open order by all"
    ) == [(day,) for day in [first, *days]]
    assert empty_market.query(
        "select cast(calendar_date as varchar) from raw.trading_calendar "
        "where not is_open order by all"
    ) == [(day,) for day in ["2024-02-24", "2024-02-25", *closed]]


def test_a_new_week_of_the_calendar_touches_its_own_days_only(
    empty_market: Any,
) -> None:
    days = [MONDAY + dt.timedelta(days=number) for number in range(5)]
    load_margin(empty_market, days)

    load_margin(empty_market, [*days, dt.date(2024, 3, 4)])

    assert empty_market.query(
        "select first_date, last_date from raw.load "
        "where table_name = 'trading_calendar' order by load_id desc limit 1"
    ) == [(dt.date(2024, 3, 4), dt.date(2024, 3, 4))]
