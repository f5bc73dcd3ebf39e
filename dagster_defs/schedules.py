"""When the refresh runs by itself.

Add a schedule here; keep what it runs in ``jobs``.
"""

# No `from __future__ import annotations`: Dagster reads the annotations themselves.

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import dagster as dg
import duckdb

from dagster_defs.jobs import refresh_job
from dagster_defs.partitions import TIMEZONE, WeekRange, partition_of
from dagster_defs.resources import StoreResource
from warehouse.settings import Settings
from warehouse.store import StoreError, connect_published


def is_without_trading(settings: Settings, weeks: WeekRange) -> bool:
    """Whether the published calendar says that the exchanges were closed all week.

    The publication holds the weeks that have begun in loaded data, and of the last of
    them the week that follows. False if it does not reach so far, or if nothing is
    published: the refresh itself then finds out.
    """
    try:
        with connect_published(settings) as con:
            row = con.execute(
                """
                with week as (
                    select trade_week from core.dim_trade_week
                    union
                    select next_week from core.dim_trade_week
                    where next_week is not null
                )

                select
                    count(*) filter (trade_week between ? and ?),
                    coalesce(min(trade_week) < ? and max(trade_week) > ?, false)
                from week
                """,
                [weeks.first_day, weeks.last_day] * 2,
            ).fetchone()
    except (StoreError, duckdb.Error):
        return False
    return row is not None and row[0] == 0 and bool(row[1])


def closed_week(scheduled: datetime) -> date:
    """Return the Friday before a Saturday's tick."""
    return scheduled.astimezone(ZoneInfo(TIMEZONE)).date() - timedelta(days=1)


@dg.schedule(
    job=refresh_job,
    cron_schedule="0 9 * * 6",
    execution_timezone=TIMEZONE,
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description=(
        "Saturday 09:00 in Shanghai: refresh the week that has closed. Weeks without "
        "trading are skipped."
    ),
)
def saturday_refresh(
    context: dg.ScheduleEvaluationContext, store: StoreResource
) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """Request the refresh of the week that closed on the day before."""
    key = partition_of(closed_week(context.scheduled_execution_time))
    if is_without_trading(store.settings, WeekRange(key, key)):
        yield dg.SkipReason(f"no trading in the week from {key}")
        return
    yield dg.RunRequest(run_key=key, partition_key=key)
