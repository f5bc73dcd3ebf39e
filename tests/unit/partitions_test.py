"""Partitions and the arguments of dbt, without running either."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from dagster_defs.partitions import (
    WeekRange,
    make_weeks,
    partition_of,
    partition_of_week,
    weeks_to_refresh,
)
from dagster_defs.project import build_arguments, build_variables
from dagster_defs.schedules import closed_week
from warehouse.build_window import BuildWindow

SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.mark.parametrize(
    ("day", "key"),
    [
        (date(2024, 6, 17), "2024-06-15"),
        (date(2024, 6, 21), "2024-06-15"),
        (date(2024, 6, 15), "2024-06-15"),
        (date(2024, 6, 14), "2024-06-08"),
        (date(2010, 1, 4), "2010-01-02"),
    ],
    ids=["monday", "friday", "saturday", "friday before", "first"],
)
def test_partition_holds_its_days(day: date, key: str) -> None:
    assert partition_of(day) == key
    weeks = WeekRange(key, key)
    assert weeks.first_day <= day <= weeks.last_day
    # Dagster's own window is the same, in Shanghai's time.
    window = make_weeks(None).time_window_for_partition_key(key)
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=SHANGHAI)
    assert window.start.timestamp() <= noon.timestamp() < window.end.timestamp()


@pytest.mark.parametrize("day", range(17, 24))
def test_a_week_is_named_by_any_day_from_monday_to_sunday(day: int) -> None:
    """On the Saturday after it the next partition is open; the week is the past one."""
    assert partition_of_week(date(2024, 6, day)) == "2024-06-15"
    assert partition_of_week(date(2024, 6, 24)) == "2024-06-22"
    assert partition_of_week(date(2024, 6, 16)) == "2024-06-08"


def test_partitions_begin_with_the_first_loaded_week() -> None:
    weeks = make_weeks(date(2021, 6, 1))
    now = datetime(2021, 6, 16, 12, tzinfo=SHANGHAI)
    # The open week, of which Wednesday is the 16th, is one of them.
    assert weeks.get_partition_keys(now) == ["2021-05-29", "2021-06-05", "2021-06-12"]


def test_refresh_completes_every_week_since_the_last_build() -> None:
    friday = date(2024, 6, 21)
    newest = WeekRange("2024-06-15", "2024-06-15")
    assert weeks_to_refresh(None, friday) == newest
    assert weeks_to_refresh(friday, friday) == newest
    assert weeks_to_refresh(date(2024, 6, 14), friday) == newest
    assert weeks_to_refresh(date(2024, 6, 19), friday) == newest
    since = weeks_to_refresh(date(2024, 5, 31), friday)
    assert since == WeekRange("2024-06-01", "2024-06-15")
    assert not since.is_single


def test_saturday_tick_names_the_week_that_closed() -> None:
    tick = datetime(2024, 6, 22, 9, tzinfo=SHANGHAI)
    assert closed_week(tick) == date(2024, 6, 21)
    # The same moment in another zone, where it is still Friday.
    assert closed_week(tick.astimezone(ZoneInfo("America/New_York"))) == closed_week(
        tick
    )


def test_window_and_cut_reach_dbt() -> None:
    whole = BuildWindow(None, "", 1, "")
    part = BuildWindow(date(2024, 6, 3), "", 1, "")
    assert build_arguments(whole)[:3] == [
        "build",
        "--exclude-resource-type",
        "unit_test",
    ]
    assert "--full-refresh" in build_arguments(whole)
    assert "--full-refresh" not in build_arguments(part)
    # Set or not in the caller's environment: a refresh builds all that is known.
    none = {
        "LUNDONG_BUILD_FROM": "",
        "LUNDONG_AS_OF_DATE": "",
        "LUNDONG_KNOWN_AT": "",
    }
    assert build_variables(build_from=None, as_of_date=None) == none
    assert build_variables(build_from=part.build_from, as_of_date=None) == {
        **none,
        "LUNDONG_BUILD_FROM": "2024-06-03",
    }
    assert build_variables(build_from=None, as_of_date=date(2024, 6, 7)) == {
        **none,
        "LUNDONG_AS_OF_DATE": "2024-06-07",
    }
