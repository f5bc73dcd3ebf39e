"""What starts a run because something happened.

New files in the drop folder start a load, and a load that took effect starts a refresh
of the week of the last loaded day. Add a sensor here; keep what it starts in ``jobs``.
"""

# No `from __future__ import annotations`: Dagster reads the annotations themselves.

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import dagster as dg

from dagster_defs.assets import DROP_FOLDER, FINAL
from dagster_defs.instance import end_dead_runs
from dagster_defs.jobs import load_drop_job, refresh_job
from dagster_defs.partitions import partition_of
from dagster_defs.resources import StoreResource
from warehouse.drop_folder import Drop, find_drops

# A file that changed just now may still be being copied.
SETTLE_SECONDS = 10.0

# A load that failed for a reason outside its files is asked for again after this time.
RETRY_SECONDS = 600.0


@dataclass(frozen=True)
class Attempts:
    """Loads of one content that failed for another reason than their files.

    Attributes
    ----------
    count : int
        How many.
    last_end : float
        When the last of them ended, in seconds since 1970.
    """

    count: int
    last_end: float


def content_tags(drop: Drop) -> dict[str, str]:
    """Return the tags of the runs that load a folder as it stands."""
    return {
        "lundong/drop_folder": drop.folder,
        "lundong/drop_content": drop.content_hash(),
    }


def failed_attempts(instance: dg.DagsterInstance, tags: dict[str, str]) -> Attempts:
    """Return the loads with these tags that another try may mend."""
    failed = dg.RunsFilter(tags=tags, statuses=[dg.DagsterRunStatus.FAILURE])
    ends = [
        record.end_time or record.update_timestamp.timestamp()
        for record in instance.get_run_records(failed)
        if not _is_final(instance, record.dagster_run.run_id)
    ]
    return Attempts(len(ends), max(ends, default=0.0))


def _is_final(instance: dg.DagsterInstance, run_id: str) -> bool:
    """Whether a run failed because of its files; a killed run left no reason."""
    failures = instance.get_records_for_run(
        run_id, of_type=dg.DagsterEventType.STEP_FAILURE
    ).records
    for record in failures:
        event = record.event_log_entry.dagster_event
        data = event.step_failure_data.user_failure_data if event else None
        if data is not None and FINAL in data.metadata:
            return True
    return False


@dg.sensor(
    job=load_drop_job,
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description=(
        "Folders under drop/ with a mapping (*.toml) and Parquet or CSV files are "
        "loaded, once for each content. A load that failed for another reason than its "
        "files is tried again."
    ),
)
def drop_folder_sensor(
    context: dg.SensorEvaluationContext, store: StoreResource
) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """Request a load for each folder whose content has not been loaded."""
    end_dead_runs(context.instance, run_id="", named_only=True)
    drops = find_drops(store.settings)
    if not drops:
        yield dg.SkipReason(f"no folder with files in {store.settings.drop_folder}")
        return
    for drop in drops:
        if time.time() - drop.newest_change < SETTLE_SECONDS:
            yield dg.SkipReason(f"{drop.folder} is still changing")
            continue
        tags = content_tags(drop)
        attempts = failed_attempts(context.instance, tags)
        if time.time() - attempts.last_end < RETRY_SECONDS:
            yield dg.SkipReason(f"{drop.folder} failed lately and will be tried again")
            continue
        key = ":".join(tags.values())
        yield dg.RunRequest(
            run_key=f"{key}:{attempts.count}" if attempts.count else key,
            run_config={
                "ops": {"source__drop_folder": {"config": {"folder": drop.folder}}}
            },
            tags=tags,
        )


@dg.run_status_sensor(
    run_status=dg.DagsterRunStatus.SUCCESS,
    monitored_jobs=[load_drop_job],
    request_job=refresh_job,
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="A load from the drop folder that took rows starts the refresh.",
)
def refresh_after_load(
    context: dg.RunStatusSensorContext,
) -> dg.RunRequest | dg.SkipReason:
    """Request the refresh of the week of the last loaded day."""
    run_id = context.dagster_run.run_id
    # The run's own record: another load may have ended since.
    materializations = [
        record.asset_materialization
        for record in context.instance.get_records_for_run(
            run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION
        ).records
        if record.asset_key == DROP_FOLDER
    ]
    if not materializations or materializations[-1] is None:
        return dg.SkipReason("the load left no record")
    metadata = {
        name: value.value for name, value in materializations[-1].metadata.items()
    }
    last_day = str(metadata.get("last_loaded_day") or "")
    if not metadata.get("rows_accepted"):
        return dg.SkipReason("the load brought nothing new")
    if not last_day:
        return dg.SkipReason("no daily bars are loaded yet")
    return dg.RunRequest(
        run_key=f"load:{run_id}",
        partition_key=partition_of(date.fromisoformat(last_day)),
    )
