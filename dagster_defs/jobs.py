"""The jobs: what runs together.

Add a job here when a schedule, a sensor or a person starts it as one thing; keep out
when it runs, that is for ``schedules`` and ``sensors``.
"""

from __future__ import annotations

import dagster as dg

from dagster_defs.assets import DROP_FOLDER
from dagster_defs.checks import CAUSALITY

REFRESH = "weekly_refresh"
LOAD_DROP = "load_drop_folder"

# One process a run: steps are few, and the store has one writer anyway.
EXECUTOR = dg.in_process_executor

load_drop_job = dg.define_asset_job(
    LOAD_DROP,
    selection=dg.AssetSelection.assets(DROP_FOLDER),
    description="Load one folder of the drop folder into the raw tables.",
    executor_def=EXECUTOR,
)

refresh_job = dg.define_asset_job(
    REFRESH,
    selection=dg.AssetSelection.all()
    - dg.AssetSelection.assets(DROP_FOLDER)
    - dg.AssetSelection.checks(CAUSALITY),
    description=(
        "The weekly refresh: check the raw tables, build and test every table, "
        "publish. A partition is named by the Saturday before its exchange week. A run "
        "of earlier weeks rewrites them from what is loaded now."
    ),
    executor_def=EXECUTOR,
)
