"""Processes killed at random moments of load, build and publication.

What a reader finds is whole after every kill, and a refresh that is let alone ends with
the content of a store that was never disturbed.
"""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pytest

from warehouse.settings import Settings
from warehouse.store import connect_build

LUNDONG = str(Path(sys.executable).with_name("lundong"))

# The last step of a refresh alone, so that kills hit it often enough.
PUBLISH = """
from warehouse.publish import publish
from warehouse.settings import read_settings

settings = read_settings()
manifest = settings.home / "dbt" / "manifest.json"
publish(settings, manifest_path=manifest, code_version="test")
"""

# Kills of each command; a refresh is mostly build, the two others are seconds. It comes
# last: let alone, it must make up for all that was killed before it.
KILLS = {"load": 8, "publish": 10, "refresh": 2}


def commands(correction: Path) -> dict[str, list[str]]:
    return {
        "load": [LUNDONG, "load", "folder", "sample", "--dir", str(correction)],
        "refresh": [LUNDONG, "refresh"],
        "publish": [sys.executable, "-c", PUBLISH],
    }


def start(home: Path, command: list[str]) -> subprocess.Popen[str]:
    """Start a command as the leader of a process group of its own."""
    return subprocess.Popen(
        command,
        env={**os.environ, "LUNDONG_HOME": str(home)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def run(home: Path, command: list[str]) -> float:
    """Run a command to its end; return its seconds."""
    started = time.monotonic()
    process = start(home, command)
    output, _ = process.communicate(timeout=600)
    assert process.returncode == 0, f"{command}: {output}"
    return time.monotonic() - started


def kill(process: subprocess.Popen[str], *, group: bool) -> None:
    """Kill a process, or it with all that it started, without a chance to clear up."""
    with suppress(ProcessLookupError):
        if group:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            os.kill(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdout is not None:
        process.stdout.close()


@dataclass
class Published:
    """What readers of a store have seen so far, to hold the next look against."""

    settings: Settings
    digests: dict[int, str] = field(default_factory=dict)

    def look(self, moment: str) -> tuple[int, str]:
        """Open the pointer, count every table, and return number and content hash."""
        path = self.settings.published_path
        assert not path.with_name(path.name + ".wal").exists(), moment
        with duckdb.connect(str(path), read_only=True) as connection:
            number, content_hash = connection.execute(
                "select publication_id, content_hash from meta.meta_publication "
                "order by publication_id desc limit 1"
            ).fetchall()[0]
            stated = connection.execute(
                "select schema_name || '.' || table_name, row_count "
                "from meta.meta_publication_table where publication_id = ?",
                [number],
            ).fetchall()
            assert len(stated) > 10
            for table, count in stated:
                found = connection.execute(f"select count(*) from {table}").fetchall()
                assert found == [(count,)], f"{moment}: {table}"
        assert number >= max(self.digests, default=0), moment
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        assert self.digests.setdefault(number, digest) == digest, moment
        return number, content_hash


@pytest.fixture
def correction(small_home: Path, tmp_path: Path) -> Path:
    """Write a folder that corrects the closes of the last three days."""
    folder = tmp_path / "correction"
    folder.mkdir()
    with duckdb.connect() as connection:
        connection.execute(
            """
            copy (
                select * replace (
                    case
                        when high_cny > low_cny
                            then round((high_cny + low_cny) / 2, 2)
                        else close_cny
                    end as close_cny
                )
                from read_parquet($source)
                where trade_date >= (
                    select max(trade_date) - 2 from read_parquet($source)
                )
            ) to '$target'
            """.replace("$target", str(folder / "daily_bar.parquet")),
            {"source": str(small_home / "sample" / "daily_bar.parquet")},
        )
    return folder


def copy_home(source: Path, target: Path) -> Settings:
    shutil.copytree(
        source, target, symlinks=True, ignore=shutil.ignore_patterns("sample")
    )
    return Settings(home=target)


KILLED_WRITER = """
import os, signal, sys
import duckdb

connection = duckdb.connect(sys.argv[1])
connection.execute("create table t (x double, check (abs(x) < 9 and x not in (7, 8)))")
connection.execute("insert into t values (1)")
connection.execute("checkpoint")
connection.execute("comment on column t.x is 'a number'")
connection.execute("insert into t values (2)")
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_log_of_a_killed_builder_is_replayed(tmp_path: Path) -> None:
    """DuckDB 1.5.5 alone fails on it: "GetDefaultDatabase with no default database"."""
    settings = Settings(home=tmp_path)
    command = [sys.executable, "-c", KILLED_WRITER, str(settings.build_path)]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    assert settings.build_path.with_name("build.duckdb.wal").exists()
    with connect_build(settings) as connection:
        assert connection.execute("select sum(x) from t").fetchall() == [(3,)]
        comment = "select comment from duckdb_columns() where table_name = 't'"
        assert connection.execute(comment).fetchall() == [("a number",)]


@pytest.mark.long(400)
def test_killed_at_any_moment(
    small_home: Path, correction: Path, tmp_path: Path, record_property: Any
) -> None:
    seed = int(
        os.environ.get("LUNDONG_KILL_SEED", random.SystemRandom().randrange(9999))
    )
    record_property("seed", seed)
    moments = random.Random(seed)  # noqa: S311
    calm = copy_home(small_home, tmp_path / "calm")
    disturbed = copy_home(small_home, tmp_path / "disturbed")
    steps = commands(correction)
    before = Published(calm).look("at first")[1]
    seconds = {name: run(calm.home, steps[name]) for name in steps}
    _, expected = Published(calm).look("undisturbed")
    assert expected != before

    published = Published(disturbed)
    published.look("at first")
    killed = []
    for name, count in KILLS.items():
        span = seconds[name]
        turn = 0
        while turn < count:
            # Stratified, so that each part of the command is hit.
            share = (turn + moments.random()) / count
            process = start(disturbed.home, steps[name])
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=share * span)
            if process.poll() is None:
                # Every second time what the command started outlives it.
                kill(process, group=turn % 2 == 0)
                killed.append(process)
                turn += 1
            else:
                # It was through before its moment: the machine has become faster.
                process.communicate()
                span *= 0.8
            published.look(f"{name} killed at {share:.0%} (seed {seed})")
        run(disturbed.home, steps[name])
        published.look(f"{name} let alone (seed {seed})")

    for process in killed:
        kill(process, group=True)
    assert len(killed) >= 20
    assert published.look("at last")[1] == expected, f"seed {seed}"
    folder = disturbed.published_path.parent
    assert not list(folder.glob(".lundong_*"))
