"""What assets are given: the store with its lock, dbt, and a way to show progress.

Add a resource here when a test must be able to replace it; keep reading the environment
out (``warehouse.settings``).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg

from dagster_defs.instance import end_dead_runs, name_process
from dagster_defs.project import BUILDER, PROJECT_DIR, WarehouseDbt
from warehouse.lock import writer_lock
from warehouse.settings import Settings

# How long a run waits for whoever writes to the store. A refresh of all years of the
# market takes less.
LOCK_SECONDS = 900.0

# Called with what was done last, how much is done, and how much there is.
Progress = Callable[[str, int, int], None]


def no_progress(label: str, done: int, total: int) -> None:
    """Show nothing."""


class StoreResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Where the store lies, for those who only look."""

    home: str
    memory_limit: str = Settings.memory_limit
    threads: int = Settings.threads
    models: str | None = None
    text_encoder: str | None = None
    text_config: str | None = None

    @property
    def settings(self) -> Settings:
        """The settings of the store."""
        return Settings(
            home=Path(self.home),
            memory_limit=self.memory_limit,
            threads=self.threads,
            models=self.models,
            text_encoder=Path(self.text_encoder) if self.text_encoder else None,
            text_config=Path(self.text_config) if self.text_config else None,
        )


@contextmanager
def hold_store(
    settings: Settings,
    instance: dg.DagsterInstance | None,
    *,
    run_id: str,
    log: Callable[[str], None] | None,
) -> Iterator[None]:
    """Wait for the store's lock and hold it, after clearing up behind dead runs.

    Raises
    ------
    StoreLockedError
        Somebody else holds it for longer than a run waits.
    """
    if instance is not None:
        name_process(instance, run_id)
    purpose = f"run {run_id[:8]}"
    with writer_lock(settings, purpose, wait_seconds=LOCK_SECONDS):
        if instance is not None:
            dead = end_dead_runs(instance, run_id=run_id)
            if dead and log is not None:
                log(f"runs found dead and closed: {dead}")
        yield


class WarehouseResource(StoreResource):
    """The store for writers: a run is its only writer from start to end."""

    @contextmanager
    def yield_for_execution(
        self, context: dg.InitResourceContext
    ) -> Iterator[WarehouseResource]:
        """Hold the store's lock for the run."""
        with hold_store(
            self.settings,
            context.instance if context.run else None,
            run_id=context.run.run_id if context.run else "",
            log=context.log.warning if context.log else None,
        ):
            yield self


def make_resources(settings: Settings, progress: Progress) -> dict[str, Any]:
    """Return the resources of a store, by the names under which assets ask for them."""
    chosen = {name: getattr(settings, name) for name in StoreResource.model_fields}
    store = {
        name: str(value) if isinstance(value, Path) else value
        for name, value in chosen.items()
    }
    return {
        "store": StoreResource.model_validate(store),
        "warehouse": WarehouseResource.model_validate(store),
        "dbt": WarehouseDbt(
            project_dir=str(PROJECT_DIR),
            profiles_dir=str(PROJECT_DIR),
            dbt_executable=sys.executable,
            global_config_flags=list(BUILDER),
        ),
        "progress": dg.ResourceDefinition.hardcoded_resource(progress),
    }
