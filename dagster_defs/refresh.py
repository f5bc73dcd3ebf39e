"""The refresh started from the command line: the same job as in the user interface.

Which weeks it completes, the store of a refresh as of an earlier week, and the one line
that says why it failed. Add options of a refresh here; keep its steps in ``assets``.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import dagster as dg

from dagster_defs.assets import REPORT
from dagster_defs.build import build_definitions
from dagster_defs.checks import PUBLICATION
from dagster_defs.instance import open_instance
from dagster_defs.jobs import REFRESH
from dagster_defs.partitions import (
    WeekRange,
    partition_of_week,
    weeks_to_refresh,
)
from dagster_defs.project import copy_parsed_project, target_path
from dagster_defs.resources import Progress, no_progress
from warehouse.build_window import first_loaded_day, last_built_day, last_loaded_day
from warehouse.lock import writer_lock
from warehouse.raw_tables import RAW_TABLES
from warehouse.settings import Settings
from warehouse.store import (
    connect_build,
    create_raw_tables,
    quote_identifier,
    quote_literal,
)

PARTITION = "dagster/partition"
RANGE_START = "dagster/asset_partition_range_start"
RANGE_END = "dagster/asset_partition_range_end"

# Logs that belong to the raw rows; a store as of a date has builds of its own.
COPIED_LOGS = (
    "load",
    "rejected_row",
    "load_finding",
    "lake_file",
    "model_run",
    "model_training_epoch",
    "model_week",
    "text_run",
)
# Steps that must know how much is built, and as of when.
CONFIGURED = (
    "dbt_inputs",
    "models__checkpoints",
    "raw__model_score",
    "raw__portfolio_weight",
    "text_scores",
    "dbt_models",
)


# What Dagster and Python raise where somebody interrupts a step.
INTERRUPTIONS = {"DagsterExecutionInterruptedError", "KeyboardInterrupt"}


class RefreshError(RuntimeError):
    """Nothing new was published; the message says why and what to do."""


@dataclass(frozen=True)
class Refreshed:
    """What a refresh did.

    Attributes
    ----------
    settings : Settings
        The store that was refreshed.
    weeks : WeekRange
        Weeks completed.
    is_as_of : bool
        Whether it is a store of its own, as of an earlier week.
    metadata : dict
        What is known of the publication; empty when the weeks had no trading.
    """

    settings: Settings
    weeks: WeekRange
    is_as_of: bool
    metadata: dict[str, Any]


def as_of_settings(settings: Settings, weeks: WeekRange) -> Settings:
    """Return the settings of the store that holds the warehouse as of a week."""
    return replace(settings, home=settings.home / "as_of" / weeks.last_day.isoformat())


def refresh(
    settings: Settings,
    *,
    week: date | None = None,
    full: bool = False,
    progress: Progress = no_progress,
) -> Refreshed:
    """Build, check and publish everything that is loaded.

    Parameters
    ----------
    week : date, optional
        A day of the week to refresh, Monday to Sunday. If later weeks are loaded, the
        raw data are cut at the end of the week and the warehouse is built and published
        in a store of its own, ``as_of/<Friday>``; the current publication is not
        touched.
    full : bool
        Rewrite every table whole.

    Raises
    ------
    RefreshError
        Nothing is loaded, or a step failed; the former publication stays.
    StoreLockedError
        Another process writes to the store.
    KeyboardInterrupt
        Somebody interrupted it; the message says what was published and what to do.
    """
    with writer_lock(settings, "refresh"):
        with connect_build(settings) as con:
            create_raw_tables(con)
            loaded, built = last_loaded_day(con), last_built_day(con)
            first = first_loaded_day(con)
        if loaded is None:
            raise RefreshError(
                f"no daily bars are loaded in {settings.home}: run `lundong sample` or "
                "`lundong load folder`"
            )
        weeks = weeks_to_refresh(built, loaded)
        if week is None or partition_of_week(week) == weeks.last_key:
            return _run(settings, weeks, full=full, as_of=None, progress=progress)
        key = partition_of_week(week)
        weeks = WeekRange(key, key)
        if weeks.first_day > loaded:
            raise RefreshError(
                f"the last daily bars are of {loaded}, before the week of {week}: load "
                "the week's files, then refresh"
            )
        if first is not None and weeks.last_day < first:
            raise RefreshError(
                f"the first daily bars are of {first}, after the week of {week}: load "
                "earlier files, then refresh"
            )
        progress("copying the raw tables", 0, 0)
        own = as_of_settings(settings, weeks)
        with writer_lock(own, "refresh"):
            copy_raw_tables(settings, own)
            return _run(own, weeks, full=True, as_of=weeks.last_day, progress=progress)


def copy_raw_tables(source: Settings, target: Settings) -> None:
    """Make a new builder's file with the raw tables of another store."""
    target.build_path.unlink(missing_ok=True)
    names = [table.name for table in RAW_TABLES if table.storage == "duckdb"]
    if source.lake.is_dir() and not target.lake.exists():
        target.lake.symlink_to(source.lake, target_is_directory=True)
    with connect_build(target) as con:
        con.execute(
            f"attach {quote_literal(str(source.build_path))} as source (read_only)"
        )
        create_raw_tables(con)
        for name in (*names, *COPIED_LOGS):
            table = f"raw.{quote_identifier(name)}"
            con.execute(f"insert into {table} by name from source.{table}")
        con.execute("detach source")
        create_raw_tables(con)
    shutil.rmtree(target_path(target), ignore_errors=True)
    copy_parsed_project(source, target)


def _run(
    settings: Settings,
    weeks: WeekRange,
    *,
    full: bool,
    as_of: date | None,
    progress: Progress,
) -> Refreshed:
    progress("reading the dbt project", 0, 0)
    definitions = build_definitions(settings, progress=progress)
    job = definitions.resolve_job_def(REFRESH)
    tags = (
        {PARTITION: weeks.first_key}
        if weeks.is_single
        else {RANGE_START: weeks.first_key, RANGE_END: weeks.last_key}
    )
    config: dict[str, Any] = {"full": full}
    if as_of is not None:
        config["as_of_date"] = as_of.isoformat()
    with open_instance(settings) as instance:
        result = job.execute_in_process(
            instance=instance,
            tags=tags,
            run_config={
                "ops": {step: {"config": config} for step in CONFIGURED},
                "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
            },
            raise_on_error=False,
        )
        if not result.success:
            if was_interrupted(result):
                raise KeyboardInterrupt(interruption_message(result))
            raise RefreshError(failure_message(result))
        metadata: dict[str, Any] = {}
        for event in result.get_asset_materialization_events():
            materialization = event.step_materialization_data.materialization
            values = {
                name: entry.value for name, entry in materialization.metadata.items()
            }
            if materialization.asset_key == PUBLICATION:
                metadata |= values
            elif materialization.asset_key == REPORT:
                metadata["report"] = values["path"]
    return Refreshed(settings, weeks, as_of is not None, metadata)


def was_interrupted(result: dg.ExecuteInProcessResult) -> bool:
    """Say whether a run ended because somebody interrupted it.

    DuckDB and what else was at work turns the interruption into an error of its own,
    which has it as its cause.
    """
    for event in result.all_events:
        if event.event_type == dg.DagsterEventType.PIPELINE_CANCELED:
            return True
        error = event.step_failure_data.error if event.is_step_failure else None
        while error is not None:
            if error.cls_name in INTERRUPTIONS:
                return True
            error = error.cause or error.context
    return False


def interruption_message(result: dg.ExecuteInProcessResult) -> str:
    """Return one line on what an interrupted run leaves."""
    keys = {event.asset_key for event in result.get_asset_materialization_events()}
    if PUBLICATION in keys:
        return "interrupted after publishing: `lundong report` writes the reports"
    return "interrupted, nothing was published; what was done stays: refresh again"


def failure_message(result: dg.ExecuteInProcessResult) -> str:
    """Return one line with the reason of a failed run."""
    for event in result.all_events:
        if event.is_step_failure:
            data = event.step_failure_data
            if data.user_failure_data and data.user_failure_data.description:
                return one_line(data.user_failure_data.description)
            # Dagster's own error of a blocking check has its name alone.
            found = [
                f"{check.check_name}: {check.description}"
                for check in result.get_asset_check_evaluations()
                if not check.passed and check.severity == dg.AssetCheckSeverity.ERROR
            ]
            if found:
                return one_line("; ".join(found))
            error = data.error
            while error is not None and error.cause is not None:
                error = error.cause
            if error is not None:
                return one_line(f"{event.step_key}: {error.message}")
    for event in result.all_events:
        if event.is_failure and event.message:
            return one_line(event.message)
    return "the run failed: see it in `make ui`"


def one_line(text: str) -> str:
    """Return a text without line breaks."""
    return " ".join(text.split())
