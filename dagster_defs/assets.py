"""The assets: source files, raw tables, dbt tables, the publication.

Each asset calls one function of ``warehouse`` or dbt. Add an asset here together with
its place in a job; keep conditions of when it runs in ``schedules`` and ``sensors``.
"""

# No `from __future__ import annotations`: Dagster reads the annotations themselves.

from collections.abc import Iterator, Set
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
from dagster_dbt import DbtCliInvocation, dbt_assets
from dagster_dbt.errors import DagsterDbtCliRuntimeError

from dagster_defs.builder import builder_environment
from dagster_defs.checks import (
    DAILY_BAR,
    PUBLICATION,
    PUBLICATION_CHECK_SPECS,
    RAW_CHECK_SPECS,
    check_result,
)
from dagster_defs.instance import POOL
from dagster_defs.lineage import column_lineage
from dagster_defs.models import (
    ModelError,
    make_plan,
    note_absences,
    score_due,
    train_due,
)
from dagster_defs.partitions import WeekRange, week_range
from dagster_defs.portfolios import make_portfolios
from dagster_defs.project import (
    INPUT_TAG,
    LEG_ENVIRONMENT,
    MODEL_INPUTS,
    WarehouseDbt,
    applied_environment,
    build_arguments,
    build_variables,
    environment,
    failed_nodes,
    keep_run_results,
    manifest_path,
    parsed_stamp,
    project_stamp,
    target_path,
)
from dagster_defs.resources import (
    Progress,
    StoreResource,
    WarehouseResource,
    hold_store,
)
from dagster_defs.texts import TextResult, refresh_texts
from dagster_defs.translator import FRESHNESS, SCORES, WarehouseTranslator
from reports.weekly import write_reports
from warehouse.build_window import (
    begin_build,
    build_window,
    end_build,
    is_build_whole,
    last_built_day,
    last_built_project,
    last_day_of_tables,
    last_loaded_day,
    project_hash,
    record_build,
    unfinished_builds,
)
from warehouse.checks import RAW_CHECKS, check_publication, record_outcomes
from warehouse.drop_folder import find_drop, load_drop
from warehouse.load import LoadError
from warehouse.lock import builder_process
from warehouse.publish import INNER_SCHEMAS, PublishError, publish
from warehouse.raw_state import raw_table_states, week_state
from warehouse.raw_tables import RAW_TABLE_BY_NAME, RAW_TABLES
from warehouse.settings import Settings
from warehouse.store import connect_build, connect_published, create_raw_tables

CHECKPOINTS = dg.AssetKey(["models", "checkpoints"])
PORTFOLIOS = dg.AssetKey(["raw", "portfolio_weight"])
TEXT_SCORES = dg.AssetKey(["raw", "text_score"])
TEXT_SENTENCES = dg.AssetKey(["raw", "text_sentence"])
REPORT = dg.AssetKey(["publication", "report"])
DROP_FOLDER = dg.AssetKey(["source", "drop_folder"])

READ_AGAIN = "refresh again, in the user interface after reloading the definitions"

# Metadata of a failure that the same files will meet again.
FINAL = "final"

# A full disk, a file still being copied or a store that is locked may mend itself; bad
# data do not, they fail without a second try.
RETRIES = dg.RetryPolicy(max_retries=2, delay=20, backoff=dg.Backoff.EXPONENTIAL)

SINGLE_RUN = dg.BackfillPolicy.single_run()


class DropConfig(dg.Config):
    """Which folder to load."""

    folder: str


class BuildConfig(dg.Config):
    """How much to build.

    ``full`` rewrites everything. ``as_of_date`` (ISO date) cuts the raw data at a date;
    the result is the warehouse as it was known then, so use it in a store of its own.
    """

    full: bool = False
    as_of_date: str | None = None


def refuse(message: str) -> dg.Failure:
    """Return a failure that no second try can mend."""
    return dg.Failure(description=message, allow_retries=False)


# In no pool: it waits for the store's lock within its step, and whoever holds the lock
# may be waiting for a place in the pool.
@dg.asset(
    key=DROP_FOLDER,
    group_name="source",
    description=(
        "A folder under drop/ with a mapping and files, loaded into the raw tables. "
        "The sensor drop_folder_sensor asks for it when files have arrived."
    ),
    kinds={"parquet"},
    retry_policy=RETRIES,
)
def drop_folder(
    context: dg.AssetExecutionContext, config: DropConfig, store: StoreResource
) -> dg.MaterializeResult[None]:
    """Load one folder of the drop folder."""
    settings = store.settings
    drop = find_drop(settings, config.folder)
    if drop is None:
        raise refuse(f"{config.folder} has no mapping (*.toml) or no files beside it")
    with hold_store(
        settings, context.instance, run_id=context.run.run_id, log=context.log.warning
    ):
        try:
            results = load_drop(settings, drop)
        except LoadError as error:
            raise dg.Failure(
                description=str(error), metadata={FINAL: True}, allow_retries=False
            ) from error
        with connect_build(settings) as con:
            last_day = last_loaded_day(con)
    for result in results:
        context.log.info(f"{result.table_name} {result.file_path}: {result.message}")
    return dg.MaterializeResult(
        metadata={
            "folder": config.folder,
            "files": len(results),
            "rows_read": sum(result.read for result in results),
            "rows_accepted": sum(result.accepted for result in results),
            "rows_unchanged": sum(result.unchanged for result in results),
            "rows_rejected": sum(result.rejected for result in results),
            "last_loaded_day": last_day.isoformat() if last_day else "",
        }
    )


def _raw_specs() -> list[dg.AssetSpec]:
    return [
        dg.AssetSpec(
            key=dg.AssetKey(["raw", table.name]),
            deps=[DROP_FOLDER],
            group_name="raw",
            description=table.description,
            skippable=True,
            kinds={"duckdb"},
            metadata={
                "dagster/column_schema": dg.TableSchema(
                    columns=[
                        dg.TableColumn(
                            column.name,
                            column.type,
                            column.description,
                            constraints=dg.TableColumnConstraints(
                                nullable=not column.required
                            ),
                        )
                        for column in table.columns
                    ]
                ),
                "dagster/table_name": f"raw.{table.name}",
                "key": ", ".join(table.key),
            },
            freshness_policy=FRESHNESS if table.name == "daily_bar" else None,
        )
        for table in RAW_TABLES
        # Written by the models, after the first leg of dbt.
        if dg.AssetKey(["raw", table.name])
        not in {SCORES, PORTFOLIOS, TEXT_SCORES, TEXT_SENTENCES}
    ]


def make_raw_tables(weeks_def: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    """Return the assets of the raw tables, which say what is loaded and check it."""

    @dg.multi_asset(
        name="raw_tables",
        specs=_raw_specs(),
        check_specs=RAW_CHECK_SPECS,
        can_subset=True,
        partitions_def=weeks_def,
        backfill_policy=SINGLE_RUN,
        pool=POOL,
    )
    def raw_tables(
        context: dg.AssetExecutionContext,
        warehouse: WarehouseResource,
        progress: dg.ResourceParam[Progress],
    ) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
        """Say what is loaded for the weeks of the run, and check it.

        Weeks without a trading day give nothing, so that all that follows is skipped.
        """
        weeks = week_range(context)
        progress("checking the raw tables", 0, 0)
        with connect_build(warehouse.settings) as con:
            create_raw_tables(con)
            state = week_state(con, weeks.first_day, weeks.last_day)
            if state.calendar_end is None or state.last_bar is None:
                raise refuse(
                    "nothing is loaded: run `lundong sample` or `lundong load`"
                )
            if state.calendar_end < weeks.first_day:
                raise refuse(
                    f"the trading calendar ends on {state.calendar_end}, before the "
                    f"week from {weeks.first_day}: load a longer calendar"
                )
            if state.first_trading_day is None:
                context.log.info(
                    f"no trading from {weeks.first_day} to {weeks.last_day}"
                )
                return
            if state.last_bar < state.first_trading_day:
                raise refuse(
                    f"the last daily bars are of {state.last_bar}, before the week "
                    f"from {state.first_trading_day}: load its files, then run again"
                )
            states = {state.name: state for state in raw_table_states(con)}
            outcomes = [check(con) for check in RAW_CHECKS]
            record_outcomes(con, context.run.run_id, outcomes)
        for key in sorted(context.selected_asset_keys):
            table = states[key.path[-1]]
            yield dg.MaterializeResult(
                asset_key=key,
                metadata={
                    "dagster/row_count": table.row_count,
                    "first_date": str(table.first_date or ""),
                    "last_date": str(table.last_date or ""),
                    "loads": table.load_count,
                    "last_load": str(table.last_loaded_at or ""),
                },
            )
        selected = {key.name for key in context.selected_asset_check_keys}
        for outcome in outcomes:
            if outcome.name in selected:
                yield check_result(outcome, DAILY_BAR)

    return raw_tables


def _row_counts(
    con: duckdb.DuckDBPyConnection, manifest: dict[str, Any], keys: Set[dg.AssetKey]
) -> dict[str, int]:
    """Return rows by dbt node, of the assets that are tables."""
    tables = {
        node_id: node["relation_name"]
        for node_id, node in manifest["nodes"].items()
        if node["resource_type"] in {"model", "seed"}
        and node["config"]["materialized"] != "view"
        and dg.AssetKey([node["schema"], node["name"]]) in keys
    }
    if not tables:
        return {}
    query = " union all ".join(
        f"select ? as node_id, count(*) as row_count from {relation}"  # noqa: S608
        for relation in tables.values()
    )
    return dict(con.execute(query, list(tables)).fetchall())


def _node_id(event: dg.Output[None]) -> str:
    return str(event.metadata["unique_id"].value)


def _with_metadata(
    event: dg.Output[None],
    *,
    counts: dict[str, int],
    lineage: dict[str, dg.TableColumnLineage],
) -> dg.Output[None]:
    """Return the event of a built node with its row count and column lineage."""
    node_id = _node_id(event)
    metadata: dict[str, Any] = dict(event.metadata)
    if node_id in counts:
        metadata["dagster/row_count"] = counts[node_id]
    if node_id in lineage:
        metadata["dagster/column_lineage"] = lineage[node_id]
    return event.with_metadata(metadata)


def first_day_to_build(weeks: WeekRange, *, as_of_date: date | None) -> date | None:
    """Return the day from which the weeks of a run ask for a rewrite.

    A store that is built as of a date is built whole.
    """
    return None if as_of_date is not None else weeks.first_day


def make_dbt_legs(
    manifest: dict[str, Any], stamp: str, weeks_def: dg.PartitionsDefinition[str]
) -> tuple[dg.AssetsDefinition, dg.AssetsDefinition]:
    """Return the assets of the dbt project: what models need, and all the rest.

    Each leg is one invocation of dbt. Between them models are trained and scored, and
    the second leg reads the scores as a source like any other. Both build the project
    that bears the stamp, or nothing.
    """

    @dbt_assets(
        manifest=manifest,
        name="dbt_inputs",
        select=MODEL_INPUTS,
        dagster_dbt_translator=WarehouseTranslator(),
        partitions_def=weeks_def,
        backfill_policy=SINGLE_RUN,
        pool=POOL,
    )
    def dbt_inputs(
        context: dg.AssetExecutionContext,
        config: BuildConfig,
        dbt: WarehouseDbt,
        warehouse: WarehouseResource,
        progress: dg.ResourceParam[Progress],
    ) -> Iterator[Any]:
        """Build what the models need, with its seeds and tests."""
        leg = _Leg(context, config, dbt, warehouse.settings, progress, manifest, stamp)
        yield from leg.build(dbt_inputs.keys, "building inputs")
        if leg.is_whole:
            begin_build(
                warehouse.settings,
                leg.window,
                as_of_date=leg.as_of_date,
                inputs_built_by=context.run.run_id,
            )

    @dbt_assets(
        manifest=manifest,
        name="dbt_models",
        exclude=MODEL_INPUTS,
        dagster_dbt_translator=WarehouseTranslator(),
        partitions_def=weeks_def,
        backfill_policy=SINGLE_RUN,
        pool=POOL,
    )
    def dbt_models(
        context: dg.AssetExecutionContext,
        config: BuildConfig,
        dbt: WarehouseDbt,
        warehouse: WarehouseResource,
        progress: dg.ResourceParam[Progress],
    ) -> Iterator[Any]:
        """Build and test the rest, and note that the build succeeded.

        A part of the tables, as the user interface can ask for, is built and tested,
        but is no finished build: what has been loaded waits for the whole, and until
        then nothing can be published.
        """
        settings = warehouse.settings
        begun = unfinished_builds(settings)
        leg = _Leg(context, config, dbt, settings, progress, manifest, stamp)
        has_inputs = (
            bool(begun)
            and begun[-1].inputs_built_by == context.run.run_id
            and begun[-1].project_hash == leg.window.project_hash
        )
        yield from leg.build(dbt_models.keys, "building and testing")
        if leg.is_whole and has_inputs:
            with connect_build(settings) as con:
                record_build(
                    con,
                    leg.window,
                    build_id=context.run.run_id,
                    as_of_date=last_day_of_tables(con),
                )
            end_build(settings)
        else:
            context.log.warning("a part was built: refresh before you publish")

    return dbt_inputs, dbt_models


class _Leg:
    """One invocation of dbt within a run, with its window and its events."""

    def __init__(
        self,
        context: dg.AssetExecutionContext,
        config: BuildConfig,
        dbt: WarehouseDbt,
        settings: Settings,
        progress: Progress,
        manifest: dict[str, Any],
        stamp: str,
    ) -> None:
        self.context = context
        self.stamp = stamp
        self.dbt = dbt
        self.settings = settings
        self.progress = progress
        self.manifest = manifest
        self.is_whole = False
        self.as_of_date = (
            date.fromisoformat(config.as_of_date) if config.as_of_date else None
        )
        weeks = week_range(context)
        self.project_hash = project_hash(Path(dbt.project_dir))
        with connect_build(settings) as con:
            self.window = build_window(
                con,
                project_hash=self.project_hash,
                full=config.full or self.as_of_date is not None,
                first_day=first_day_to_build(weeks, as_of_date=self.as_of_date),
                as_of_date=self.as_of_date,
                unfinished=unfinished_builds(settings),
            )

    def build(self, keys: Set[dg.AssetKey], label: str) -> Iterator[Any]:
        """Build the assets of the leg that are selected, and yield their events."""
        context, settings, manifest = self.context, self.settings, self.manifest
        files = project_stamp(Path(self.dbt.project_dir))
        if not parsed_stamp(settings) == self.stamp == files:
            raise refuse(f"files of the dbt project have changed: {READ_AGAIN}")
        self.is_whole = context.selected_asset_keys == keys
        context.log.info(
            f"building from {self.window.build_from or 'the beginning'}: "
            f"{self.window.reason}"
        )
        begin_build(settings, self.window, as_of_date=self.as_of_date)
        total = len(context.selected_asset_keys) + len(
            context.selected_asset_check_keys
        )
        built: list[dg.Output[None]] = []
        variables = {
            **environment(settings),
            **build_variables(
                build_from=self.window.build_from, as_of_date=self.as_of_date
            ),
            **builder_environment(settings, target_path(settings), self.stamp),
            **(LEG_ENVIRONMENT if self.is_whole else {}),
            "LUNDONG_RUN_ID": context.run.run_id,
        }
        with applied_environment(variables):
            invocation = self.dbt.cli(
                build_arguments(self.window),
                context=context,
                target_path=target_path(settings),
            )
        with builder_process(settings, invocation.process.pid):
            try:
                for event in self._events(invocation, label, total):
                    if isinstance(event, dg.Output):
                        built.append(event)
                    else:
                        yield event
            except DagsterDbtCliRuntimeError as error:
                yield from built
                failed = "; ".join(failed_nodes(settings)) or str(error)
                raise refuse(f"the build failed: {failed}") from error
            except KeyError as error:
                invocation.process.terminate()
                invocation.process.wait()
                raise refuse(
                    f"dbt built {error}, which was not there when the project was "
                    f"read: {READ_AGAIN}"
                ) from error
        keep_run_results(settings, context.op_handle.name)
        # The build file is free again only now: row counts come last.
        self.progress("reading row counts and column lineage", total, total)
        nodes = [manifest["nodes"][_node_id(event)] for event in built]
        with connect_build(settings, read_only=True) as con:
            counts = _row_counts(con, manifest, context.selected_asset_keys)
            lineage = column_lineage(
                con,
                target_path(settings),
                [node for node in nodes if node["resource_type"] == "model"],
                project_hash=self.project_hash,
            )
        for event in built:
            yield _with_metadata(event, counts=counts, lineage=lineage)

    def _events(
        self, invocation: DbtCliInvocation, label: str, total: int
    ) -> Iterator[Any]:
        """Yield Dagster's events of dbt's own, and show which table is being built.

        Of a node dbt tells more than its end, so that only ends are counted.
        """
        done, now = 0, ""
        for message in invocation.stream_raw_events():
            node = message.raw_event["data"].get("node_info", {})
            if message.raw_event["info"]["name"] == "LogStartLine":
                is_test = node["resource_type"] == "test"
                now = "" if is_test else f": {node['node_name']}"
            done += message.is_result_event
            self.progress(f"{label}{now}", min(done, total), total)
            yield from message.to_default_asset_events(
                manifest=invocation.manifest,
                dagster_dbt_translator=invocation.dagster_dbt_translator,
                context=invocation.context,
                target_path=invocation.target_path,
                project=invocation.project,
            )


def make_models(
    manifest: dict[str, Any], weeks_def: dg.PartitionsDefinition[str]
) -> list[dg.AssetsDefinition]:
    """Return the assets of the models, which lie between the legs of dbt."""
    inputs = [
        dg.AssetKey([node["schema"], node["name"]])
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and INPUT_TAG in node["tags"]
    ]

    @dg.asset(
        key=CHECKPOINTS,
        deps=inputs,
        group_name="models",
        description=(
            "Checkpoints of the networks and their linear baselines: trained "
            "walk-forward, one a model and scored period, where one is missing."
        ),
        kinds={"pytorch"},
        partitions_def=weeks_def,
        backfill_policy=SINGLE_RUN,
        pool=POOL,
    )
    def model_checkpoints(
        config: BuildConfig,
        warehouse: WarehouseResource,
        progress: dg.ResourceParam[Progress],
    ) -> dg.MaterializeResult[None]:
        """Train what is due; a store as of a date has the scores of then."""
        if config.as_of_date:
            return dg.MaterializeResult(metadata={"trained": 0})
        settings = warehouse.settings
        try:
            with connect_build(settings) as con:
                plan = make_plan(con, settings)
            trained = train_due(settings, plan, progress)
            note_absences(settings, plan)
        except ModelError as error:
            raise refuse(str(error)) from error
        return dg.MaterializeResult(
            metadata={
                "trained": len(trained),
                "seconds": sum(run.seconds for run in trained),
                "runs": dg.MetadataValue.json(
                    {run.meta.run_id: run.valid_ic for run in trained}
                ),
                "absent": dg.MetadataValue.json(plan.absences),
            }
        )

    @dg.asset(
        key=SCORES,
        deps=[CHECKPOINTS, *inputs],
        group_name="models",
        description=(
            "Scores of the models. One row per model, security and week: weeks without "
            "scores are scored by the checkpoint of their period."
        ),
        kinds={"pytorch", "duckdb"},
        partitions_def=weeks_def,
        backfill_policy=SINGLE_RUN,
        pool=POOL,
        metadata={"dagster/table_name": "raw.model_score"},
    )
    def model_scores(
        config: BuildConfig,
        warehouse: WarehouseResource,
        progress: dg.ResourceParam[Progress],
    ) -> dg.MaterializeResult[None]:
        """Score the weeks that are due."""
        if config.as_of_date:
            return dg.MaterializeResult(metadata={"weeks": 0, "scores": 0})
        settings = warehouse.settings
        try:
            with connect_build(settings) as con:
                plan = make_plan(con, settings)
            weeks, scores = score_due(settings, plan, progress)
        except ModelError as error:
            raise refuse(str(error)) from error
        return dg.MaterializeResult(metadata={"weeks": weeks, "scores": scores})

    @dg.asset(
        key=PORTFOLIOS,
        deps=[SCORES, *inputs],
        group_name="models",
        description=(
            "Portfolios of the index enhancements. One row per strategy, signal date "
            "and security: signals after the newest portfolio get one, from the scores "
            "and index weights of that day and the portfolio before."
        ),
        kinds={"python", "duckdb"},
        partitions_def=weeks_def,
        backfill_policy=SINGLE_RUN,
        pool=POOL,
        metadata={"dagster/table_name": "raw.portfolio_weight"},
    )
    def portfolio_weights(
        config: BuildConfig,
        warehouse: WarehouseResource,
        progress: dg.ResourceParam[Progress],
    ) -> dg.MaterializeResult[None]:
        """Make what is due; a store as of a date has the portfolios of then."""
        made = weights = 0
        if not config.as_of_date:
            try:
                made, weights = make_portfolios(warehouse.settings, progress)
            except ModelError as error:
                raise refuse(str(error)) from error
        return dg.MaterializeResult(metadata={"portfolios": made, "weights": weights})

    @dg.multi_asset(
        name="text_scores",
        specs=[
            dg.AssetSpec(
                key,
                deps=inputs,
                group_name="models",
                description=RAW_TABLE_BY_NAME[key.path[-1]].description,
                kinds={"pytorch", "duckdb"},
                partitions_def=weeks_def,
                metadata={"dagster/table_name": ".".join(key.path)},
            )
            for key in (TEXT_SCORES, TEXT_SENTENCES)
        ],
        backfill_policy=SINGLE_RUN,
        pool=POOL,
    )
    def text_scores(
        config: BuildConfig,
        warehouse: WarehouseResource,
        progress: dg.ResourceParam[Progress],
    ) -> Iterator[dg.MaterializeResult[None]]:
        """Train the text models that are due, and score the new reports."""
        result = TextResult()
        if not config.as_of_date:
            try:
                result = refresh_texts(warehouse.settings, progress)
            except ModelError as error:
                raise refuse(str(error)) from error
        yield dg.MaterializeResult(
            asset_key=TEXT_SCORES,
            metadata={
                "runs": result.runs,
                "encoded": result.encoded,
                "scores": result.scored,
            },
        )
        yield dg.MaterializeResult(
            asset_key=TEXT_SENTENCES, metadata={"sentences": result.sentences}
        )

    return [model_checkpoints, model_scores, portfolio_weights, text_scores]


def make_published(
    manifest: dict[str, Any], stamp: str, weeks_def: dg.PartitionsDefinition[str]
) -> dg.AssetsDefinition:
    """Return the asset of the publication, which follows every published table."""
    tables = [
        dg.AssetKey([node["schema"], node["name"]])
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["schema"] not in INNER_SCHEMAS
    ]

    @dg.asset(
        key=PUBLICATION,
        deps=tables,
        group_name="publication",
        description=(
            "published/lundong.duckdb: one immutable file with every table an analyst "
            "reads, swapped in whole."
        ),
        kinds={"duckdb"},
        partitions_def=weeks_def,
        backfill_policy=SINGLE_RUN,
        pool=POOL,
        retry_policy=RETRIES,
        freshness_policy=FRESHNESS,
        check_specs=PUBLICATION_CHECK_SPECS,
    )
    def published(
        context: dg.AssetExecutionContext,
        warehouse: WarehouseResource,
        progress: dg.ResourceParam[Progress],
    ) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
        """Publish what was built and read it back."""
        settings = warehouse.settings
        weeks = week_range(context)
        progress("publishing", 0, 0)
        if not is_build_whole(settings):
            raise refuse(
                "the last build failed or was of a part: refresh, then publish"
            )
        with connect_build(settings, read_only=True) as con:
            as_of, built = last_built_day(con), last_built_project(con)
        if parsed_stamp(settings) != stamp or not stamp.startswith(built or "none"):
            raise refuse(
                "the last build was by other files of the dbt project: refresh, then "
                "publish"
            )
        try:
            publication = publish(
                settings,
                manifest_path=manifest_path(settings),
                code_version=version("lundong"),
                as_of_date=as_of,
            )
        except PublishError as error:
            raise refuse(str(error)) from error
        with connect_published(settings) as con:
            outcome = check_publication(con, publication)
        yield dg.MaterializeResult(
            metadata={
                "weeks": f"{weeks.first_day} to {weeks.last_day}",
                "publication_id": publication.publication_id,
                "path": dg.MetadataValue.path(str(publication.path)),
                "as_of_date": publication.as_of_date.isoformat(),
                "content_hash": publication.content_hash,
                "tables": len(publication.row_counts),
                "dagster/row_count": sum(publication.row_counts.values()),
            }
        )
        yield check_result(outcome, PUBLICATION)

    return published


def make_report(weeks_def: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    """Return the asset of the weekly reports."""

    @dg.asset(
        key=REPORT,
        deps=[PUBLICATION],
        group_name="publication",
        description=(
            "The reports of the newest complete week and the start page over all, from "
            "published tables only."
        ),
        kinds={"html"},
        partitions_def=weeks_def,
        backfill_policy=SINGLE_RUN,
        freshness_policy=FRESHNESS,
    )
    def report(
        warehouse: WarehouseResource, progress: dg.ResourceParam[Progress]
    ) -> dg.MaterializeResult[None]:
        """Write the weekly reports."""
        progress("writing the reports", 0, 0)
        try:
            path = write_reports(warehouse.settings)[0]
        except ValueError as error:
            raise refuse(str(error)) from error
        return dg.MaterializeResult(metadata={"path": dg.MetadataValue.path(str(path))})

    return report
