"""All definitions put together, from one function.

Tests and the command line build the same graph with other settings or another progress
display. Add a new module's definitions here; keep everything else out.
"""

from __future__ import annotations

import json

import dagster as dg

from dagster_defs.assets import (
    drop_folder,
    make_dbt_legs,
    make_models,
    make_published,
    make_raw_tables,
    make_report,
)
from dagster_defs.jobs import EXECUTOR, load_drop_job, refresh_job
from dagster_defs.monthly import causality, causality_job, monthly_causality
from dagster_defs.partitions import make_weeks
from dagster_defs.project import parsed_stamp, prepare_manifest
from dagster_defs.resources import Progress, make_resources, no_progress
from dagster_defs.schedules import saturday_refresh
from dagster_defs.sensors import drop_folder_sensor, refresh_after_load
from warehouse.settings import Settings, read_settings
from warehouse.status import first_published_day


def build_definitions(
    settings: Settings | None = None, *, progress: Progress = no_progress
) -> dg.Definitions:
    """Return assets, jobs, schedules, sensors and resources of a store.

    Parameters
    ----------
    settings : Settings, optional
        The store; the one named by the environment by default.
    progress : callable
        Told what a run does.
    """
    settings = settings or read_settings()
    path = prepare_manifest(settings)
    manifest = json.loads(path.read_text(encoding="utf-8"))
    stamp = parsed_stamp(settings) or ""
    weeks = make_weeks(first_published_day(settings))
    return dg.Definitions(
        assets=[
            drop_folder,
            make_raw_tables(weeks),
            *make_dbt_legs(manifest, stamp, weeks),
            *make_models(manifest, weeks),
            make_published(manifest, stamp, weeks),
            make_report(weeks),
        ],
        asset_checks=[causality],
        jobs=[load_drop_job, refresh_job, causality_job],
        schedules=[saturday_refresh, monthly_causality],
        sensors=[drop_folder_sensor, refresh_after_load],
        resources=make_resources(settings, progress),
        executor=EXECUTOR,
    )
