"""Commands interrupted as by Ctrl-C: one line on what is left, no traceback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from warehouse.settings import Settings
from warehouse.store import connect_published

LUNDONG = str(Path(sys.executable).with_name("lundong"))
SECONDS = 120


def publication(settings: Settings) -> int:
    with connect_published(settings) as con:
        row = con.execute(
            "select max(publication_id) from meta.meta_publication"
        ).fetchone()
    assert row is not None
    return int(row[0])


def runs_dbt(process: psutil.Process) -> bool:
    children = process.children(recursive=True)
    return any("dagster_defs.builder" in child.cmdline() for child in children)


def writes(process: psutil.Process) -> bool:
    return any(Path(file.path).name == "build.duckdb" for file in process.open_files())


@pytest.mark.parametrize(
    ("arguments", "moment", "told"),
    [
        (["refresh"], runs_dbt, "interrupted, nothing was published; what was done"),
        (["load", "folder", "sample", "--dir", "sample"], writes, "interrupted: files"),
    ],
    ids=["refresh", "load"],
)
def test_an_interrupted_command_says_what_it_leaves(
    home_copy: Settings,
    arguments: list[str],
    moment: Callable[[psutil.Process], bool],
    told: str,
) -> None:
    before = publication(home_copy)
    # The group of its own gets the signal whole, as a terminal sends it.
    process = subprocess.Popen(
        [LUNDONG, *arguments],
        cwd=home_copy.home,
        env={**os.environ, "LUNDONG_HOME": str(home_copy.home)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    watched, deadline = psutil.Process(process.pid), time.monotonic() + SECONDS
    with suppress(psutil.NoSuchProcess):
        while not moment(watched) and time.monotonic() < deadline:
            time.sleep(0.01)
    assert process.poll() is None, process.communicate()
    os.killpg(process.pid, signal.SIGINT)
    output, errors = process.communicate(timeout=SECONDS)
    assert (process.returncode, output) == (130, ""), errors
    # Dagster's watcher of the process gets the signal too and may die loudly first.
    *others, line = errors.splitlines()
    assert line.startswith(told), errors
    assert not others or "watch_orphans" in errors, errors
    assert publication(home_copy) == before
