"""The weekly partitions and how they follow the exchange's weeks.

A partition opens on a Saturday at midnight in Shanghai and is named by that day; it
holds the exchange week of the Monday after. Add translations between days and
partitions here; keep the trading calendar out, it is loaded data.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import dagster as dg

TIMEZONE = "Asia/Shanghai"
SATURDAY = 5

# Where the partitions begin before anything is published.
FIRST_WEEK = date(2010, 1, 2)


@dataclass(frozen=True)
class WeekRange:
    """One partition, or several that follow each other.

    Attributes
    ----------
    first_key, last_key : str
        Names of the first and the last partition.
    """

    first_key: str
    last_key: str

    @property
    def first_day(self) -> date:
        """First calendar day of the first week."""
        return date.fromisoformat(self.first_key)

    @property
    def last_day(self) -> date:
        """Last calendar day of the last week."""
        return date.fromisoformat(self.last_key) + timedelta(days=6)

    @property
    def is_single(self) -> bool:
        """Whether the range is one week."""
        return self.first_key == self.last_key


def make_weeks(first_day: date | None) -> dg.WeeklyPartitionsDefinition:
    """Return the partitions from the week of the first loaded day on.

    The open week is one too: a refresh in mid-week fills it as far as it goes.
    """
    return dg.WeeklyPartitionsDefinition(
        start_date=partition_of(first_day or FIRST_WEEK),
        timezone=TIMEZONE,
        day_offset=6,
        end_offset=1,
    )


def partition_of(day: date) -> str:
    """Return the name of the partition that holds ``day``."""
    return (day - timedelta(days=(day.weekday() - SATURDAY) % 7)).isoformat()


def partition_of_week(day: date) -> str:
    """Return the name of the partition with the exchange week of ``day``.

    An exchange week runs from Monday to Sunday: who names a Saturday or Sunday means
    the week that just ended, though the partition of the next one has opened.
    """
    return partition_of(day - timedelta(days=day.weekday()))


def weeks_to_refresh(last_built: date | None, last_loaded: date) -> WeekRange:
    """Return the weeks that a refresh completes.

    These are the weeks after the last finished build up to the last loaded day, at
    least the week of the last loaded day.
    """
    last_key = partition_of(last_loaded)
    if last_built is None or last_built >= last_loaded:
        return WeekRange(last_key, last_key)
    return WeekRange(partition_of(last_built + timedelta(days=1)), last_key)


def week_range(context: dg.AssetExecutionContext) -> WeekRange:
    """Return the partitions of a run."""
    keys = context.partition_key_range
    return WeekRange(keys.start, keys.end)
