"""The real market files, loaded once for all tests of this folder.

Add what several tests on real data need; nothing here is copied into the project.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest

from warehouse.load import load_folder
from warehouse.settings import PROJECT_ROOT, Settings, read_settings


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Return the folder of real files; skip where it is not given."""
    folder = read_settings().real_data
    if folder is None:
        pytest.skip("LUNDONG_REAL_DATA is not set")
    return folder


@pytest.fixture(scope="session")
def real_store(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Return a store with all real files loaded; only to be read.

    Parallel workers share it: the first to come loads, the others wait.
    """
    base = tmp_path_factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        base = base.parent
    settings = Settings(home=base / "real_home", threads=2)
    ready = base / "real_home.ready"
    with (base / "real_home.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not ready.exists():
            mapping = PROJECT_ROOT / "warehouse" / "mappings" / "real.toml"
            load_folder(settings, mapping, real_data)
            ready.touch()
    return settings
