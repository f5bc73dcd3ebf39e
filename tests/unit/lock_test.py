"""One writer at a time: the lock names its holder and outlives no process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import duckdb
import pytest

from dagster_defs.builder import PARSE_RESULT, STAMP, builder_environment
from dagster_defs.project import BUILDER
from warehouse.lock import (
    StoreLockedError,
    builder_process,
    lock_path,
    writer_lock,
)
from warehouse.process import _from_ps, marked_process, own_mark, process_mark
from warehouse.settings import Settings

HOLD = """
import sys
from pathlib import Path
from warehouse.lock import writer_lock
from warehouse.settings import Settings
with writer_lock(Settings(home=Path(sys.argv[1])), "load"):
    print("held", flush=True)
    sys.stdin.read()
"""

# A builder that has not come to opening its file.
IDLE = """
import time
print("open", flush=True)
time.sleep(600)
"""

BUILD = """
import sys, time
import duckdb
con = duckdb.connect(sys.argv[1])
print("open", flush=True)
time.sleep(600)
"""


def start(code: str, argument: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(argument)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline().strip() in {"held", "open"}
    return process


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path)


def test_second_writer_is_told_who_writes(settings: Settings) -> None:
    holder = start(HOLD, settings.home)
    try:
        with pytest.raises(StoreLockedError) as found, writer_lock(settings, "refresh"):
            pass
    finally:
        holder.kill()
        holder.wait()
    message = str(found.value)
    assert f"load (process {holder.pid}, since 20" in message
    assert "\n" not in message
    # The holder was killed: nothing is left of its lock.
    with writer_lock(settings, "refresh"):
        pass


def test_holder_may_take_it_again(settings: Settings) -> None:
    with writer_lock(settings, "refresh"):
        with writer_lock(settings, "publication"):
            pass
        holder = subprocess.run(
            [sys.executable, "-c", HOLD, str(settings.home)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert holder.returncode != 0
        assert "is being written by refresh" in holder.stderr
    assert lock_path(settings).read_text() == "{}"


def test_second_writer_may_wait(settings: Settings) -> None:
    holder = start(HOLD, settings.home)
    killer = threading.Timer(0.5, holder.kill)
    killer.start()
    with writer_lock(settings, "load", wait_seconds=30):
        assert holder.wait(timeout=10) == -signal.SIGKILL
    killer.join()


def test_wait_for_the_lock_has_an_end(settings: Settings) -> None:
    holder = start(HOLD, settings.home)
    try:
        with (
            pytest.raises(StoreLockedError, match="being written by load"),
            writer_lock(settings, "refresh", wait_seconds=0.5),
        ):
            pass
    finally:
        holder.kill()
        holder.wait()


@pytest.mark.parametrize("code", [BUILD, IDLE], ids=["writes", "before it opens"])
def test_builder_of_a_killed_holder_is_ended(settings: Settings, code: str) -> None:
    builder = start(code, settings.build_path)
    try:
        with writer_lock(settings, "refresh"), builder_process(settings, builder.pid):
            left = lock_path(settings).read_text()
        # What a killed holder leaves: its note, and a builder that goes on.
        lock_path(settings).write_text(left)
        with writer_lock(settings, "refresh"):
            assert builder.wait(timeout=10) == -signal.SIGTERM
            duckdb.connect(settings.build_path).close()
    finally:
        builder.kill()


def test_foreign_process_of_that_number_is_left_alone(settings: Settings) -> None:
    duckdb.connect(settings.build_path).close()
    foreign = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        # The number of a builder that began at another moment.
        mark = f"{foreign.pid} {process_mark(os.getpid()).partition(' ')[2]}"
        lock_path(settings).write_text(json.dumps({"builder": mark}))
        with writer_lock(settings, "refresh"):
            assert foreign.poll() is None
            os.kill(foreign.pid, 0)
    finally:
        foreign.kill()
        foreign.wait()


def test_builder_that_outlives_its_note_is_still_known(settings: Settings) -> None:
    builder = start(IDLE, settings.build_path)
    try:
        with writer_lock(settings, "refresh"), builder_process(settings, builder.pid):
            pass
        with writer_lock(settings, "refresh"):
            assert builder.wait(timeout=10) == -signal.SIGTERM
        assert lock_path(settings).read_text() == "{}"
    finally:
        builder.kill()
        builder.wait()


def start_builder(environment: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *BUILDER, "--version"],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_builder_waits_until_it_is_registered(
    settings: Settings, tmp_path: Path
) -> None:
    """Then it looks at what was read of the project: here it is of another reading."""
    (tmp_path / PARSE_RESULT).write_bytes(b"")
    (tmp_path / STAMP).write_text("another")
    with writer_lock(settings, "refresh"):
        builder = start_builder(builder_environment(settings, tmp_path, "this"))
        try:
            with pytest.raises(subprocess.TimeoutExpired):
                builder.wait(timeout=2)
            with builder_process(settings, builder.pid):
                output, _ = builder.communicate(timeout=60)
        finally:
            builder.kill()
            builder.wait()
    assert builder.returncode == 1
    assert "the dbt project was read anew" in output


def test_builder_does_nothing_when_its_holder_is_gone(
    settings: Settings, tmp_path: Path
) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    environment = builder_environment(settings, tmp_path, "this")
    environment = {
        name: str(gone.pid) if value == str(os.getpid()) else value
        for name, value in environment.items()
    }
    builder = start_builder(environment)
    output, _ = builder.communicate(timeout=60)
    assert builder.returncode == 1
    assert f"process {gone.pid} has ended" in output


def test_mark_names_one_process() -> None:
    assert marked_process(own_mark()) == os.getpid()
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    mark = process_mark(child.pid)
    assert marked_process(mark) == child.pid
    child.kill()
    # Dead is dead, also before its parent has asked for it.
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert marked_process(mark) is None
    child.wait()
    assert marked_process(mark) is None
    assert marked_process("") is None
    assert marked_process(f"{os.getpid()} another start") is None


def test_mark_by_ps_names_one_process() -> None:
    if not Path("/bin/ps").exists():
        pytest.skip("/bin/ps is not installed")
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        first = _from_ps(child.pid)
        assert first is not None
        assert _from_ps(child.pid) == first
    finally:
        child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert _from_ps(child.pid) is None
    child.wait()
    assert _from_ps(child.pid) is None
