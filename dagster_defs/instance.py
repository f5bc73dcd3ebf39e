"""Dagster's own storage: where runs, partitions and checks are remembered.

The folder is made on demand with the limits that keep one writer at a time. Add
settings of the instance here; keep the lock of the store out (``warehouse.lock``).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import dagster as dg
from dagster._core.instance.ref import InstanceRef
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from sqlalchemy import create_engine, event
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.pool import NullPool, StaticPool

from warehouse.process import marked_process, own_mark
from warehouse.settings import Settings

POOL = "warehouse"

# Tag of a run: the process that executes it.
PROCESS = "lundong/process"

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


class KeptEventLog(SqliteEventLogStorage):
    """Dagster's event log, with one connection a file that stays open.

    Dagster's own connects anew for each of some 4,000 statements of a refresh and
    compiles each of them again: half of the time that it takes beside dbt. The files
    are the same, and others may read and write them meanwhile.
    """

    def __init__(self, base_dir: str, inst_data: Any = None) -> None:
        self._engines: dict[str, Engine] = {}
        super().__init__(base_dir, inst_data)

    @classmethod
    def from_config_value(cls, inst_data: Any, config_value: Any) -> KeptEventLog:
        """Make the storage that a configuration describes."""
        return cls(inst_data=inst_data, **config_value)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock:
            if shard not in self._engines:
                self._engines[shard] = self._open(shard)
            engine = self._engines[shard]
            with engine.begin() as connection:
                yield connection

    def _open(self, shard: str) -> Engine:
        path, wait = self.conn_string_for_shard(shard), SQLITE_BUSY_TIMEOUT_SECONDS
        # Tables are made over a connection of their own, as Dagster does.
        first = create_engine(path, poolclass=NullPool, connect_args={"timeout": wait})
        self._initdb(first)
        self._initialized_dbs.add(shard)
        # The storage's lock lets one thread in at a time.
        arguments = {"timeout": wait, "check_same_thread": False}
        return create_engine(path, poolclass=StaticPool, connect_args=arguments)

    def dispose(self) -> None:
        """Close the files."""
        for engine in self._engines.values():
            engine.dispose()
        self._engines.clear()
        super().dispose()


@contextmanager
def open_instance(settings: Settings) -> Iterator[dg.DagsterInstance]:
    """Open the instance of a store."""
    prepare_home(settings)
    home = settings.dagster_home
    event_log = {
        "module": KeptEventLog.__module__,
        "class": KeptEventLog.__name__,
        "config": {"base_dir": str(home / "history" / "runs")},
    }
    reference = InstanceRef.from_dir(
        str(home), overrides={"event_log_storage": event_log}
    )
    with _fewer_flushes(), dg.DagsterInstance.from_ref(reference) as instance:
        yield instance


@contextmanager
def _fewer_flushes() -> Iterator[None]:
    """Keep Dagster from flushing its SQLite files to disk after every event.

    It opens and closes a file for each of some 1,000 events of a refresh, and the last
    one to close a file writes its log back; on a slow disk that takes longer than the
    refresh. A second connection stays open meanwhile, and the log is flushed when it is
    written back: safe for the files, whatever happens to the process or the machine.
    """
    kept: dict[str, sqlite3.Connection] = {}

    def keep_open(connection: Any, _: object) -> None:
        connection.execute("pragma synchronous = normal")
        path = connection.execute("pragma database_list").fetchone()[2]
        if path not in kept:
            kept[path] = sqlite3.connect(path, check_same_thread=False)
        kept[path].execute("select 1 from sqlite_master limit 1").fetchall()

    event.listen(Engine, "connect", keep_open)
    try:
        yield
    finally:
        event.remove(Engine, "connect", keep_open)
        for connection in kept.values():
            connection.close()


def name_process(instance: dg.DagsterInstance, run_id: str) -> None:
    """Note that this process executes a run, so that its death can be seen."""
    instance.add_run_tags(run_id, {PROCESS: own_mark()})


def end_dead_runs(
    instance: dg.DagsterInstance, *, run_id: str, named_only: bool = False
) -> list[str]:
    """Mark runs whose process died as failed, and free what they held.

    Parameters
    ----------
    run_id : str
        The run of the caller, which lives.
    named_only : bool
        End only runs that noted their process. Whoever does not hold the store's lock
        must ask for that; to the holder any other run that calls itself started and
        did not note its process is dead, or about to find the store locked.

    Returns
    -------
    list of str
        The dead runs.
    """
    dead = []
    unfinished = dg.RunsFilter(statuses=list(UNFINISHED))
    for run in instance.get_runs(filters=unfinished):
        mark = run.tags.get(PROCESS)
        if run.run_id == run_id or (named_only and mark is None):
            continue
        if mark is not None and marked_process(mark) is not None:
            continue
        instance.report_run_failed(run, "The process of this run was killed.")
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
        dead.append(run.run_id)
    return dead
