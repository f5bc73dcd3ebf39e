"""One writer at a time: the lock names its holder and outlives no process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from warehouse.lock import (
    StoreLockedError,
    builder_process,
    lock_path,
    writer_lock,
)
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


def test_builder_of_a_killed_holder_is_ended(settings: Settings) -> None:
    builder = start(BUILD, settings.build_path)
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
        lock_path(settings).write_text(f'{{"builder": {foreign.pid}}}')
        with writer_lock(settings, "refresh"):
            assert foreign.poll() is None
            os.kill(foreign.pid, 0)
    finally:
        foreign.kill()
        foreign.wait()
