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


def trading_days(settings: Settings, weeks: WeekRange) -> int | None:
    """Return the trading days of weeks by the published calendar.

    None if nothing is published or the calendar does not reach so far.
    """
    try:
        with connect_published(settings) as con:
            row = con.execute(
                """
                select
                    coalesce(
                        sum(day_count) filter (trade_week between ? and ?), 0
                    )::bigint,
                    max(trade_week)
                from core.dim_trade_week
                """,
                [weeks.first_day, weeks.last_day],
            ).fetchone()
    except (StoreError, duckdb.Error):
        return None
    if row is None or row[1] is None or row[1] < weeks.last_day - timedelta(days=7):
        return None
    return int(row[0])


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
    if trading_days(store.settings, WeekRange(key, key)) == 0:
        yield dg.SkipReason(f"no trading in the week from {key}")
        return
    yield dg.RunRequest(run_key=key, partition_key=key)
