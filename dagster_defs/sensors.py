"""What starts a run because something happened.

New files in the drop folder start a load, and a load that took effect starts a refresh
of the week of the last loaded day. Add a sensor here; keep what it starts in ``jobs``.
"""

# No `from __future__ import annotations`: Dagster reads the annotations themselves.

import time
from collections.abc import Iterator
from datetime import date

import dagster as dg

from dagster_defs.assets import DROP_FOLDER
from dagster_defs.jobs import load_drop_job, refresh_job
from dagster_defs.partitions import partition_of
from dagster_defs.resources import StoreResource
from warehouse.drop_folder import find_drops

# A file that changed just now may still be being copied.
SETTLE_SECONDS = 10.0


@dg.sensor(
    job=load_drop_job,
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description=(
        "Folders under drop/ with a mapping (*.toml) and Parquet or CSV files are "
        "loaded, once for each content."
    ),
)
def drop_folder_sensor(
    store: StoreResource,
) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """Request a load for each folder whose content has not been loaded."""
    drops = find_drops(store.settings)
    if not drops:
        yield dg.SkipReason(f"no folder with files in {store.settings.drop_folder}")
        return
    for drop in drops:
        if time.time() - drop.newest_change < SETTLE_SECONDS:
            yield dg.SkipReason(f"{drop.folder} is still changing")
            continue
        yield dg.RunRequest(
            run_key=f"{drop.folder}:{drop.content_hash()}",
            run_config={
                "ops": {"source__drop_folder": {"config": {"folder": drop.folder}}}
            },
            tags={"lundong/drop_folder": drop.folder},
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
    event = context.instance.get_latest_materialization_event(DROP_FOLDER)
    materialization = event.asset_materialization if event else None
    if event is None or materialization is None:
        return dg.SkipReason("the load left no record")
    metadata = {name: value.value for name, value in materialization.metadata.items()}
    last_day = str(metadata.get("last_loaded_day") or "")
    if not metadata.get("rows_accepted"):
        return dg.SkipReason("the load brought nothing new")
    if not last_day:
        return dg.SkipReason("no daily bars are loaded yet")
    return dg.RunRequest(
        run_key=f"load:{event.run_id}",
        partition_key=partition_of(date.fromisoformat(last_day)),
    )
