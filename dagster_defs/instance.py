"""Dagster's own storage: where runs, partitions and checks are remembered.

The folder is made on demand with the limits that keep one writer at a time. Add
settings of the instance here; keep the lock of the store out (``warehouse.lock``).
"""

from __future__ import annotations

import dagster as dg

from warehouse.settings import Settings

POOL = "warehouse"

CONFIG = """\
telemetry:
  enabled: false
nux:
  enabled: false
freshness:
  enabled: true
concurrency:
  pools:
    default_limit: 1
    granularity: op
  runs:
    max_concurrent_runs: 1
retention:
  schedule:
    purge_after_days: 90
  sensor:
    purge_after_days:
      skipped: 7
      failure: 30
      success: 90
"""

UNFINISHED = (dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING)


def prepare_home(settings: Settings) -> None:
    """Make the drop folder, and Dagster's folder with its configuration."""
    settings.drop_folder.mkdir(parents=True, exist_ok=True)
    path = settings.dagster_home / "dagster.yaml"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(CONFIG, encoding="utf-8")


def open_instance(settings: Settings) -> dg.DagsterInstance:
    """Return the instance of a store; to be disposed of by a ``with`` statement."""
    prepare_home(settings)
    return dg.DagsterInstance.from_config(str(settings.dagster_home))


def end_dead_runs(instance: dg.DagsterInstance, *, run_id: str) -> list[str]:
    """Mark runs whose process died as failed, and free what they held.

    Only the holder of the store's lock may call this: then every other run that calls
    itself started is dead, or about to find the store locked.

    Returns
    -------
    list of str
        The dead runs.
    """
    dead = []
    unfinished = dg.RunsFilter(statuses=list(UNFINISHED))
    for run in instance.get_runs(filters=unfinished):
        if run.run_id == run_id:
            continue
        instance.report_run_failed(run, "The process of this run was killed.")
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
        dead.append(run.run_id)
    return dead
