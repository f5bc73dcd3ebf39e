"""Fixtures that all tiers share: a small warehouse, copies of it, the command line.

The small warehouse is made once a session by the command line itself and is only read;
a test that writes takes a copy. Add what several test files need here; keep inputs of a
single test beside it.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from warehouse.settings import Settings

UNIT = Path(__file__).parent / "unit"
# Fixtures that need a built warehouse: seconds to minutes, not for unit tests.
BUILT_FIXTURES = {"small_home", "home_copy", "small_settings"}

LUNDONG = Path(sys.executable).with_name("lundong")
RunLundong = Callable[..., subprocess.CompletedProcess[str]]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse a unit test that needs a built warehouse, and put the longest tests first.

    The tests of a module share its fixtures and stay in one process; one that is marked
    with its seconds, ``long(120)``, goes alone. What begins last is then short, and the
    processes end together.
    """
    misplaced = [
        item.nodeid
        for item in items
        if UNIT in item.path.parents and _needs_warehouse(item)
    ]
    if misplaced:
        message = f"tests of a built warehouse belong to tests/integration: {misplaced}"
        raise pytest.UsageError(message)
    for item in items:
        mark = item.get_closest_marker("long")
        alone = mark is not None and mark in item.own_markers
        group = item.nodeid if alone else str(item.path)
        # What follows a last @ is the group to xdist, and so is not part of its name.
        item.add_marker(pytest.mark.xdist_group(group.replace("@", " ")))
    items.sort(key=_rank)


def _needs_warehouse(item: pytest.Item) -> bool:
    return bool(BUILT_FIXTURES & set(getattr(item, "fixturenames", ())))


def _rank(item: pytest.Item) -> tuple[bool, float, bool]:
    """Return where a test stands: the longest first, unit tests last.

    Before all stands what is long and needs no built warehouse: one process runs it
    while another makes the warehouse for the next test.
    """
    mark = item.get_closest_marker("long")
    seconds = 0.0 if mark is None else float(mark.args[0])
    return not seconds or _needs_warehouse(item), -seconds, UNIT in item.path.parents


@pytest.fixture(scope="session", autouse=True)
def no_default_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep tests away from the store of the person who runs them."""
    former = os.environ.get("LUNDONG_HOME")
    os.environ["LUNDONG_HOME"] = str(tmp_path_factory.mktemp("no_store"))
    yield
    if former is None:
        del os.environ["LUNDONG_HOME"]
    else:
        os.environ["LUNDONG_HOME"] = former


@pytest.fixture(scope="session")
def run_lundong() -> RunLundong:
    """Return a function that runs the command line on a store."""

    def run(
        home: Path, *arguments: str | Path, check: bool = True, timeout: float = 600
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [LUNDONG, *arguments],
            env={**os.environ, "LUNDONG_HOME": str(home), "COLUMNS": "200"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
        )
        if check and done.returncode != 0:
            command = " ".join(str(argument) for argument in arguments)
            pytest.fail(f"lundong {command}: {done.stdout}{done.stderr}")
        return done

    return run


@pytest.fixture(scope="session")
def small_home(
    tmp_path_factory: pytest.TempPathFactory, run_lundong: RunLundong
) -> Path:
    """Return the store of the small sample market, refreshed once; only to be read.

    Parallel workers share it: the first to come makes it, the others wait.
    """
    base = tmp_path_factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        base = base.parent
    home, ready = base / "small_home", base / "small_home.ready"
    with (base / "small_home.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not ready.exists():
            shutil.rmtree(home, ignore_errors=True)
            run_lundong(home, "sample", "--small")
            run_lundong(home, "refresh")
            ready.touch()
    return home


@pytest.fixture(scope="session")
def small_settings(small_home: Path) -> Settings:
    """Return the settings of the small store; only to be read."""
    return Settings(home=small_home)


@pytest.fixture
def home_copy(small_home: Path, tmp_path: Path) -> Settings:
    """Return a copy of the small store that the test may change."""
    home = tmp_path / "home"
    # The sample's files are replaced, never written into: links will do.
    shutil.copytree(small_home / "sample", home / "sample", copy_function=os.link)
    for path in small_home.iterdir():
        if path.name == "sample":
            continue
        if path.is_dir():
            shutil.copytree(path, home / path.name, symlinks=True)
        else:
            shutil.copy2(path, home / path.name)
    return Settings(home=home)
