"""A build file with made-up upstream tables, and dbt to run single models on it.

Add what the tests of the strategy engine and of the reconciliation share; keep the
markets and figures that a test makes up in the test itself.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import duckdb
import pytest

from warehouse.settings import PROJECT_ROOT

DBT_PROJECT = PROJECT_ROOT / "dbt_project"


class DbtFile:
    """One DuckDB file that dbt's models are built in, a few at a time.

    Models whose upstream tables stand in the file already, put there by the test, are
    built as they are in a refresh.
    """

    def __init__(self, folder: Path, target: Path) -> None:
        self.path = folder / "build.duckdb"
        self._folder = folder
        self._target = target

    def connect(self) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        """Open the file; dbt must not be running."""
        return duckdb.connect(str(self.path))

    def dbt(self, command: str, *select: str) -> None:
        """Run a dbt command on the selected nodes; its output is the error's text."""
        environment = {
            **os.environ,
            "LUNDONG_BUILD_PATH": str(self.path),
            "LUNDONG_MEMORY_LIMIT": "1GB",
            "LUNDONG_THREADS": "2",
        }
        result = subprocess.run(
            [
                sys.executable,
                *("-c", "from dbt.cli.main import cli; cli()"),
                command,
                *("--select", *select),
                *("--project-dir", str(DBT_PROJECT)),
                *("--profiles-dir", str(DBT_PROJECT)),
                *("--target-path", str(self._target)),
                *("--log-path", str(self._folder / "logs")),
            ],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stdout[-4000:] + result.stderr[-2000:]


@pytest.fixture(scope="session")
def make_dbt_file(
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[], DbtFile]:
    """Return a maker of files; parsed once for all of them."""
    target = tmp_path_factory.mktemp("target")
    return lambda: DbtFile(tmp_path_factory.mktemp("build"), target)
