"""Dagster: the definitions, what runs when, and what is left of a killed run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg
import duckdb
import pytest

from dagster_defs import assets, resources, sensors
from dagster_defs.assets import DROP_FOLDER, REPORT
from dagster_defs.build import build_definitions
from dagster_defs.builder import STAMP
from dagster_defs.checks import PUBLICATION
from dagster_defs.instance import POOL, PROCESS, end_dead_runs, open_instance
from dagster_defs.jobs import LOAD_DROP, REFRESH
from dagster_defs.partitions import WeekRange, partition_of
from dagster_defs.project import (
    PROJECT_DIR,
    DbtError,
    parsed_stamp,
    prepare_manifest,
)
from dagster_defs.resources import make_resources, no_progress
from dagster_defs.schedules import is_without_trading, saturday_refresh
from tests.reader_processes import READER_COUNT, readers
from warehouse.build_window import (
    BuildWindow,
    begin_build,
    is_build_whole,
    project_hash,
    unfinished_builds,
)
from warehouse.process import own_mark
from warehouse.raw_tables import RAW_TABLES
from warehouse.settings import PROJECT_ROOT, Settings
from warehouse.store import connect_build, connect_published

SHANGHAI = ZoneInfo("Asia/Shanghai")
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@pytest.fixture(scope="module")
def definitions(small_settings: Settings) -> dg.Definitions:
    return build_definitions(small_settings)


@pytest.fixture
def instance(home_copy: Settings) -> Iterator[dg.DagsterInstance]:
    with open_instance(home_copy) as opened:
        yield opened


def run_job(
    settings: Settings,
    instance: dg.DagsterInstance,
    job: str,
    *,
    tags: dict[str, str] | None = None,
    ops: dict[str, Any] | None = None,
) -> dg.ExecuteInProcessResult:
    return (
        build_definitions(settings)
        .resolve_job_def(job)
        .execute_in_process(
            instance=instance,
            tags=tags or {},
            run_config={**QUIET, "ops": ops or {}},
            raise_on_error=False,
        )
    )


def materialized(result: dg.ExecuteInProcessResult) -> set[dg.AssetKey]:
    return {
        event.step_materialization_data.materialization.asset_key
        for event in result.get_asset_materialization_events()
    }


def loaded_weeks(settings: Settings) -> tuple[date, date]:
    """Return the first and the last loaded trading day."""
    with connect_build(settings, read_only=True) as con:
        row = con.execute(
            "select min(trade_date), max(trade_date) from raw.daily_bar"
        ).fetchone()
    assert row is not None
    return row[0], row[1]


def week_without_trading(settings: Settings) -> str:
    """Return a partition inside the loaded span in which the exchanges are closed."""
    first, last = loaded_weeks(settings)
    day = first + timedelta(days=7)
    while day < last:
        key = partition_of(day)
        weeks = WeekRange(key, key)
        with connect_build(settings, read_only=True) as con:
            row = con.execute(
                """
                select count(*) from raw.trading_calendar
                where is_open and calendar_date between ? and ?
                """,
                [weeks.first_day, weeks.last_day],
            ).fetchone()
        assert row is not None
        if row[0] == 0:
            return key
        day += timedelta(days=7)
    pytest.fail("the sample market has no week without trading")


def test_graph_reaches_from_source_to_report(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    raw = {dg.AssetKey(["raw", table.name]) for table in RAW_TABLES}
    assert raw <= graph.get_all_asset_keys()
    upstream: set[dg.AssetKey] = set()
    waiting = {REPORT}
    while waiting:
        key = waiting.pop()
        upstream.add(key)
        waiting |= graph.get(key).parent_keys - upstream
    assert {PUBLICATION, DROP_FOLDER} <= upstream
    assert dg.AssetKey(["raw", "daily_bar"]) in upstream
    assert dg.AssetKey(["diffusion", "fct_diffusion_index_weekly"]) in upstream
    # Every asset says what it is and where it belongs.
    for key in graph.get_all_asset_keys():
        if graph.get(key).is_materializable:
            assert graph.get(key).group_name not in {"", "default"}, key
            assert graph.get(key).description, key


def test_who_reads_a_view_of_scores_waits_for_them(definitions: dg.Definitions) -> None:
    """The views are of the first leg, the scores are written after it."""
    graph = definitions.resolve_asset_graph()
    scores = dg.AssetKey(["raw", "model_score"])
    waiting = {"/".join(key.path) for key in graph.get(scores).child_keys}
    assert "staging/stg_model_score" not in waiting
    assert "intermediate/int_enhancement_input" not in waiting
    assert {"raw/portfolio_weight", "intermediate/int_stock_score_weekly"} <= waiting
    portfolios = dg.AssetKey(["raw", "portfolio_weight"])
    view = dg.AssetKey(["intermediate", "int_enhancement_input"])
    assert view in graph.get(portfolios).parent_keys
    selection = dg.AssetKey(["intermediate", "int_strategy_selection"])
    staged = dg.AssetKey(["staging", "stg_portfolio_weight"])
    assert staged in graph.get(selection).parent_keys
    assert portfolios in graph.get(staged).parent_keys


def test_weekly_assets_are_backfilled_in_one_run(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    job = definitions.resolve_job_def(REFRESH)
    assert job.partitions_def is not None
    assert job.backfill_policy == dg.BackfillPolicy.single_run()
    for key in job.asset_layer.selected_asset_keys:
        assert graph.get(key).backfill_policy == dg.BackfillPolicy.single_run(), key
        assert graph.get(key).partitions_def == job.partitions_def, key


def test_dbt_tests_and_own_checks_are_asset_checks(
    definitions: dg.Definitions,
) -> None:
    keys = definitions.resolve_asset_graph().asset_check_keys
    names = {(key.asset_key.to_user_string(), key.name) for key in keys}
    assert ("raw/daily_bar", "loads_add_up") in names
    assert ("publication/published", "publication_is_current") in names
    of_dbt = [name for name in names if name[0].startswith("diffusion/")]
    assert of_dbt


def test_published_tables_have_a_freshness_policy(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    stale_matters = [
        key
        for key in graph.get_all_asset_keys()
        if key.path[-1].startswith(("dim_", "fct_")) or key == PUBLICATION
    ]
    assert len(stale_matters) > 5
    for key in stale_matters:
        assert graph.get(key).freshness_policy is not None, key


def test_what_the_environment_says_reaches_the_run(tmp_path: Path) -> None:
    chosen = Settings(
        home=tmp_path, memory_limit="3GB", threads=1, models="none",
        text_encoder=tmp_path / "bert", text_config=tmp_path / "text.toml",
    )  # fmt: skip
    assert make_resources(chosen, no_progress)["warehouse"].settings == chosen
    plain = Settings(home=tmp_path)
    assert make_resources(plain, no_progress)["store"].settings == plain


def test_pool_has_one_place(home_copy: Settings, instance: dg.DagsterInstance) -> None:
    result = run_job(
        home_copy,
        instance,
        REFRESH,
        tags={"dagster/partition": week_without_trading(home_copy)},
    )
    assert result.success
    info = instance.event_log_storage.get_concurrency_info(POOL)
    assert info.slot_count == 1
    graph = build_definitions(home_copy).resolve_asset_graph()
    for key in graph.materializable_asset_keys:
        if key not in {REPORT, DROP_FOLDER}:
            assert graph.get(key).pools == {POOL}, key


def test_week_without_trading_is_skipped(
    home_copy: Settings, instance: dg.DagsterInstance
) -> None:
    key = week_without_trading(home_copy)
    weeks = WeekRange(key, key)
    assert is_without_trading(home_copy, weeks)
    before = home_copy.published_path.stat().st_mtime_ns
    result = run_job(home_copy, instance, REFRESH, tags={"dagster/partition": key})
    assert result.success
    assert materialized(result) == set()
    assert home_copy.published_path.stat().st_mtime_ns == before


def test_week_without_data_fails_with_the_reason(
    home_copy: Settings, instance: dg.DagsterInstance
) -> None:
    _, last = loaded_weeks(home_copy)
    key = partition_of(last + timedelta(days=14))
    result = run_job(home_copy, instance, REFRESH, tags={"dagster/partition": key})
    assert not result.success
    failed = result.failure_data_for_node("raw_tables")
    assert failed is not None
    assert failed.user_failure_data is not None
    assert f"the last daily bars are of {last}" in str(
        failed.user_failure_data.description
    )


@pytest.mark.long(80)
def test_range_of_weeks_is_one_run_of_all_assets_and_disturbs_no_reader(
    home_copy: Settings, instance: dg.DagsterInstance
) -> None:
    _, last = loaded_weeks(home_copy)
    first_key, last_key = partition_of(last - timedelta(days=21)), partition_of(last)
    with connect_published(home_copy) as con:
        before = con.execute(
            "select content_hash from meta.meta_publication order by publication_id"
        ).fetchall()
    # The refresh needs the processors too: these ask as often as a dashboard does.
    with readers(home_copy.published_path, pause=4) as seen:
        result = run_job(
            home_copy,
            instance,
            REFRESH,
            tags={
                "dagster/asset_partition_range_start": first_key,
                "dagster/asset_partition_range_end": last_key,
            },
        )
        # Time for every reader to see the new publication.
        time.sleep(5)
    assert result.success
    assert [reader["errors"] for reader in seen] == [[]] * READER_COUNT
    assert [reader["publications"] for reader in seen] == [[1, 2]] * READER_COUNT
    assert all(reader["answers"] >= 5 for reader in seen)
    done = instance.get_materialized_partitions(PUBLICATION)
    assert {first_key, last_key} <= done
    assert len(done) >= 4
    with connect_published(home_copy) as con:
        after = con.execute(
            "select content_hash from meta.meta_publication order by publication_id"
        ).fetchall()
    # Rewriting weeks from the same data changes nothing.
    assert after[: len(before)] == before
    assert after[-1] == before[-1]
    assert len(after) == len(before) + 1
    metadata = {
        event.step_materialization_data.materialization.asset_key: (
            event.step_materialization_data.materialization.metadata
        )
        for event in result.get_asset_materialization_events()
    }
    # The second is written by loops over factors and long.
    for table, column in (
        ("diffusion.fct_diffusion_index_weekly", "diffusion_index"),
        ("factors.fct_factor_value_weekly", "neutral_z_score"),
    ):
        entry = metadata[dg.AssetKey(table.split("."))]
        assert entry["dagster/row_count"].value > 0
        lineage = entry["dagster/column_lineage"].value
        assert isinstance(lineage, dg.TableColumnLineage)
        assert lineage.deps_by_column[column]


def test_a_part_of_the_tables_is_no_finished_build(
    home_copy: Settings, instance: dg.DagsterInstance
) -> None:
    """A seed and its tests, as the user interface can ask for: nothing is published."""
    definitions = build_definitions(home_copy)
    seed = dg.AssetKey(["seeds", "industry"])
    _, last = loaded_weeks(home_copy)
    before = home_copy.published_path.read_bytes()

    def states() -> list[tuple[Any, ...]]:
        with connect_build(home_copy, read_only=True) as con:
            return con.execute("from raw.build_state").fetchall()

    def materialize(*keys: dg.AssetKey) -> dg.ExecuteInProcessResult:
        return definitions.resolve_implicit_global_asset_job_def().execute_in_process(
            instance=instance,
            asset_selection=list(keys),
            partition_key=partition_of(last),
            run_config=QUIET,
            raise_on_error=False,
        )

    builds = states()
    # An earlier build by other code failed: it is not built upon, and not forgotten.
    failed_build = BuildWindow(None, "", 0, "b" * 64)
    begin_build(home_copy, failed_build, as_of_date=None)
    assert materialize(seed).success
    first, second = unfinished_builds(home_copy)
    assert first.project_hash == failed_build.project_hash
    assert second.project_hash == project_hash(PROJECT_DIR)
    assert second.build_from is None
    assert states() == builds
    assert not is_build_whole(home_copy)
    failed = materialize(PUBLICATION)
    assert not failed.success
    data = failed.failure_data_for_node(PUBLICATION.to_python_identifier())
    assert data is not None
    assert data.user_failure_data is not None
    assert "was of a part: refresh" in str(data.user_failure_data.description)
    assert home_copy.published_path.read_bytes() == before


def test_project_changed_while_it_is_built_is_said(
    home_copy: Settings, instance: dg.DagsterInstance
) -> None:
    """The manifest lacks tests that dbt finds, as if they had just been added."""
    manifest_file = home_copy.home / "dbt" / "manifest.json"
    manifest = json.loads(manifest_file.read_text())
    missing = {
        name
        for name in manifest["nodes"]
        if name.startswith("test.") and "int_trading_day" in name
    }
    assert missing
    for part in ("nodes", "parent_map"):
        manifest[part] = {
            name: value for name, value in manifest[part].items() if name not in missing
        }
    manifest["child_map"] = {
        name: [child for child in children if child not in missing]
        for name, children in manifest["child_map"].items()
        if name not in missing
    }
    manifest_file.write_text(json.dumps(manifest))
    before = home_copy.published_path.read_bytes()
    _, last = loaded_weeks(home_copy)
    result = run_job(
        home_copy, instance, REFRESH, tags={"dagster/partition": partition_of(last)}
    )
    assert not result.success
    failed = result.failure_data_for_node("dbt_inputs")
    assert failed is not None
    assert failed.user_failure_data is not None
    description = str(failed.user_failure_data.description)
    assert "int_trading_day" in description
    assert "refresh again" in description
    assert not is_build_whole(home_copy)
    assert home_copy.published_path.read_bytes() == before


def failure_of(result: dg.ExecuteInProcessResult, step: str) -> str:
    failed = result.failure_data_for_node(step)
    assert failed is not None
    assert failed.user_failure_data is not None
    return str(failed.user_failure_data.description)


@pytest.mark.parametrize("step", ["dbt_inputs", "dbt_models", "publication__published"])
def test_project_read_anew_since_the_run_was_planned_is_not_built(
    home_copy: Settings, instance: dg.DagsterInstance, step: str
) -> None:
    """Somebody saved a file and loaded the page again, before or between the legs."""
    definitions = build_definitions(home_copy)
    (home_copy.home / "dbt" / STAMP).write_text("of other files")
    before = home_copy.published_path.read_bytes()
    _, last = loaded_weeks(home_copy)
    plan = definitions.resolve_job_def(REFRESH)
    result = plan.get_subset(op_selection=[step]).execute_in_process(
        instance=instance,
        tags={"dagster/partition": partition_of(last)},
        run_config=QUIET,
        raise_on_error=False,
    )
    assert "files of the dbt project" in failure_of(result, step)
    assert is_build_whole(home_copy)
    assert home_copy.published_path.read_bytes() == before


def test_an_interrupted_parse_leaves_no_stamp(
    home_copy: Settings, tmp_path: Path
) -> None:
    """What it leaves is of two states of the project: none of it may be trusted."""
    project = tmp_path / "project"
    project.mkdir()
    (project / "dbt_project.yml").write_text("name: [")
    assert parsed_stamp(home_copy) is not None
    with pytest.raises(DbtError, match="cannot read"):
        prepare_manifest(home_copy, project_dir=project)
    assert parsed_stamp(home_copy) is None


def tick(settings: Settings, friday: date) -> dg.RunRequest | dg.SkipReason:
    """Return what the schedule does on the Saturday after a Friday."""
    saturday = datetime(friday.year, friday.month, friday.day, 9, tzinfo=SHANGHAI)
    saturday += timedelta(days=1)
    store = make_resources(settings, no_progress)["store"]
    with dg.build_schedule_context(scheduled_execution_time=saturday) as context:
        data = saturday_refresh(context, store=store)
        requests: list[Any] = list(data)
    assert len(requests) == 1
    request: dg.RunRequest | dg.SkipReason = requests[0]
    return request


def test_schedule_is_saturday_morning_in_shanghai(small_settings: Settings) -> None:
    assert saturday_refresh.cron_schedule == "0 9 * * 6"
    assert saturday_refresh.execution_timezone == "Asia/Shanghai"
    _, last = loaded_weeks(small_settings)
    key = partition_of(last)
    request = tick(small_settings, WeekRange(key, key).last_day)
    assert isinstance(request, dg.RunRequest)
    assert request.partition_key == key


def test_schedule_skips_a_week_without_trading(small_settings: Settings) -> None:
    key = week_without_trading(small_settings)
    request = tick(small_settings, WeekRange(key, key).last_day)
    assert isinstance(request, dg.SkipReason)
    assert key in str(request.skip_message)


def published_weeks(home: Path, weeks: list[tuple[str, str | None]]) -> Settings:
    """Make a publication with exchange weeks and the week that follows each."""
    settings = Settings(home=home)
    settings.published_path.parent.mkdir(parents=True)
    with duckdb.connect(str(settings.published_path)) as con:
        con.execute("create schema core")
        con.execute(
            "create table core.dim_trade_week (trade_week date, next_week date)"
        )
        con.executemany("insert into core.dim_trade_week values (?, ?)", weeks)
    return settings


@pytest.mark.parametrize(
    ("friday", "is_requested"),
    [
        ("2024-09-27", True),
        # The last published week, then the holidays, then the week after them.
        ("2024-09-30", True),
        ("2024-10-04", True),
        ("2024-10-11", False),
        ("2024-10-18", True),
        # Past all that the publication knows, and before all of it.
        ("2024-10-25", True),
        ("2024-09-13", True),
    ],
)
def test_schedule_asks_unless_the_calendar_says_closed(
    tmp_path: Path, friday: str, is_requested: bool
) -> None:
    settings = published_weeks(
        tmp_path / "store",
        [
            ("2024-09-20", "2024-09-27"),
            ("2024-09-27", "2024-09-30"),
            ("2024-09-30", "2024-10-18"),
        ],
    )
    day = date.fromisoformat(friday)
    key = partition_of(day)
    request = tick(settings, WeekRange(key, key).last_day)
    assert isinstance(request, dg.RunRequest) == is_requested


def test_schedule_asks_where_the_calendar_ends(tmp_path: Path) -> None:
    settings = published_weeks(tmp_path / "store", [("2024-09-27", None)])
    assert isinstance(tick(settings, date(2024, 10, 4)), dg.RunRequest)
    empty = Settings(home=tmp_path / "empty")
    assert isinstance(tick(empty, date(2024, 10, 4)), dg.RunRequest)


def test_schedule_asks_for_the_week_after_the_last_publication(
    small_settings: Settings,
) -> None:
    with connect_build(small_settings, read_only=True) as con:
        row = con.execute(
            """
            select min(trade_week)
            from intermediate.int_trading_day
            where
                not is_loaded
                and trade_week > (
                    select max(trade_week)
                    from intermediate.int_trading_day
                    where is_loaded
                )
            """
        ).fetchone()
    assert row is not None
    assert row[0] is not None
    key = partition_of(row[0])
    request = tick(small_settings, WeekRange(key, key).last_day)
    assert isinstance(request, dg.RunRequest)
    assert request.partition_key == key


def drop_week(settings: Settings, name: str, sources: dict[str, Path]) -> Path:
    """Put files and the identity mapping into the drop folder."""
    folder = settings.drop_folder / name
    folder.mkdir(parents=True)
    shutil.copy(PROJECT_ROOT / "warehouse" / "mappings" / "sample.toml", folder)
    for file_name, path in sources.items():
        shutil.copy(path, folder / file_name)
    return folder


def ask_sensor(settings: Settings, instance: dg.DagsterInstance) -> list[Any]:
    store = make_resources(settings, no_progress)["store"]
    with dg.build_sensor_context(instance=instance) as context:
        return list(sensors.drop_folder_sensor(context, store=store))


def run_request(
    settings: Settings, instance: dg.DagsterInstance, request: dg.RunRequest
) -> dg.ExecuteInProcessResult:
    return run_job(
        settings,
        instance,
        LOAD_DROP,
        tags=dict(request.tags),
        ops=request.run_config["ops"],
    )


def test_dropped_folder_is_loaded_once_for_each_content(
    home_copy: Settings,
    instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert isinstance(ask_sensor(home_copy, instance)[0], dg.SkipReason)
    folder = drop_week(
        home_copy,
        "week",
        {"market_index.parquet": home_copy.sample / "market_index.parquet"},
    )
    [waiting] = ask_sensor(home_copy, instance)
    assert "still changing" in str(waiting.skip_message)
    monkeypatch.setattr(sensors, "SETTLE_SECONDS", 0.0)
    [request] = ask_sensor(home_copy, instance)
    [again] = ask_sensor(home_copy, instance)
    assert request.run_key == again.run_key
    result = run_job(home_copy, instance, LOAD_DROP, ops=request.run_config["ops"])
    assert result.success
    [event] = result.get_asset_materialization_events()
    metadata = event.step_materialization_data.materialization.metadata
    assert metadata["rows_read"].value > 0
    assert metadata["rows_accepted"].value == 0
    (folder / "sample.toml").write_text(
        (folder / "sample.toml").read_text() + "# changed\n"
    )
    [changed] = ask_sensor(home_copy, instance)
    assert changed.run_key != request.run_key


def test_bad_file_in_the_drop_folder_fails_without_retry(
    home_copy: Settings,
    instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sensors, "SETTLE_SECONDS", 0.0)
    monkeypatch.setattr(sensors, "RETRY_SECONDS", 0.0)
    bad = home_copy.home / "bad.parquet"
    bad.write_bytes(b"PAR1 truncated")
    drop_week(home_copy, "bad", {"daily_bar.parquet": bad})
    [request] = ask_sensor(home_copy, instance)
    result = run_request(home_copy, instance, request)
    assert not result.success
    failed = result.failure_data_for_node("source__drop_folder")
    assert failed is not None
    assert failed.user_failure_data is not None
    assert "daily_bar.parquet" in str(failed.user_failure_data.description)
    assert not [event for event in result.all_events if event.is_step_up_for_retry]
    # The same files would fail again: the key is the one of the run that failed.
    [again] = ask_sensor(home_copy, instance)
    assert again.run_key == request.run_key


def test_folder_dropped_while_the_store_is_locked_is_asked_for_again(
    home_copy: Settings,
    instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sensors, "SETTLE_SECONDS", 0.0)
    monkeypatch.setattr(resources, "LOCK_SECONDS", 0.2)
    monkeypatch.setattr(dg.RetryPolicy, "calculate_delay", lambda *_: 0)
    drop_week(
        home_copy,
        "week",
        {"market_index.parquet": home_copy.sample / "market_index.parquet"},
    )
    [request] = ask_sensor(home_copy, instance)
    holder = hold_lock(home_copy)
    try:
        result = run_request(home_copy, instance, request)
    finally:
        holder.kill()
        holder.wait()
    assert not result.success
    tries = [event for event in result.all_events if event.is_step_up_for_retry]
    assert len(tries) == assets.RETRIES.max_retries
    [waiting] = ask_sensor(home_copy, instance)
    assert "will be tried again" in str(waiting.skip_message)
    monkeypatch.setattr(sensors, "RETRY_SECONDS", 0.0)
    [again] = ask_sensor(home_copy, instance)
    assert again.run_key != request.run_key
    assert run_request(home_copy, instance, again).success
    # Loaded once: the key stays the one of the run that succeeded.
    [after] = ask_sensor(home_copy, instance)
    assert after.run_key == again.run_key


def hold_lock(settings: Settings) -> subprocess.Popen[str]:
    """Start a process that writes to the store until it is killed."""
    code = (
        "import sys; from pathlib import Path\n"
        "from warehouse.lock import writer_lock\n"
        "from warehouse.settings import Settings\n"
        "with writer_lock(Settings(home=Path(sys.argv[1])), 'load'):\n"
        "    print('held', flush=True); sys.stdin.read()\n"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(settings.home)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    return holder


def test_folder_whose_load_was_killed_is_asked_for_again(
    home_copy: Settings,
    instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sensors, "SETTLE_SECONDS", 0.0)
    monkeypatch.setattr(sensors, "RETRY_SECONDS", 0.0)
    source = home_copy.sample / "market_index.parquet"
    drop_week(home_copy, "week", {"market_index.parquet": source})
    [request] = ask_sensor(home_copy, instance)
    run = instance.create_run_for_job(
        build_definitions(home_copy).resolve_job_def(LOAD_DROP),
        run_config=dict(request.run_config),
        tags={**request.tags, PROCESS: own_mark()},
        status=dg.DagsterRunStatus.STARTED,
    )
    # While the process of the load lives, it is left alone.
    [same] = ask_sensor(home_copy, instance)
    assert same.run_key == request.run_key
    instance.add_run_tags(run.run_id, {PROCESS: f"{os.getpid()} at another time"})
    [again] = ask_sensor(home_copy, instance)
    assert again.run_key != request.run_key
    closed = instance.get_run_by_id(run.run_id)
    assert closed is not None
    assert closed.status == dg.DagsterRunStatus.FAILURE


def test_refresh_follows_the_load_that_succeeded() -> None:
    accepted = iter([52914, 0])

    @dg.asset(key=DROP_FOLDER)
    def loaded() -> dg.MaterializeResult[None]:
        return dg.MaterializeResult(
            metadata={"rows_accepted": next(accepted), "last_loaded_day": "2024-06-21"}
        )

    job = dg.Definitions(
        assets=[loaded], jobs=[dg.define_asset_job("load", [loaded])]
    ).resolve_job_def("load")
    with dg.instance_for_test() as instance:
        results = [job.execute_in_process(instance=instance) for _ in range(2)]
        answers = [
            sensors.refresh_after_load(
                dg.build_run_status_sensor_context(
                    sensor_name="refresh_after_load",
                    dagster_instance=instance,
                    dagster_run=result.dagster_run,
                    dagster_event=result.get_run_success_event(),
                )
            )
            for result in results
        ]
    first, second = answers
    assert isinstance(first, dg.RunRequest)
    assert first.run_key == f"load:{results[0].run_id}"
    assert first.partition_key == "2024-06-15"
    assert isinstance(second, dg.SkipReason)


def test_dead_run_is_closed_and_its_slot_freed(instance: dg.DagsterInstance) -> None:
    @dg.op(pool=POOL)
    def write() -> None:
        """Do nothing."""

    @dg.job
    def writing() -> None:
        write()

    run = instance.create_run_for_job(writing, status=dg.DagsterRunStatus.STARTED)
    instance.event_log_storage.initialize_concurrency_limit_to_default(POOL)
    instance.event_log_storage.claim_concurrency_slot(POOL, run.run_id, "write")
    assert instance.event_log_storage.get_concurrency_info(POOL).active_slot_count == 1
    assert end_dead_runs(instance, run_id=run.run_id) == []
    # Whoever does not hold the lock knows nothing of a run without a process.
    assert end_dead_runs(instance, run_id="another", named_only=True) == []
    assert end_dead_runs(instance, run_id="another") == [run.run_id]
    closed = instance.get_run_by_id(run.run_id)
    assert closed is not None
    assert closed.status == dg.DagsterRunStatus.FAILURE
    info = instance.event_log_storage.get_concurrency_info(POOL)
    assert info.active_slot_count == 0
