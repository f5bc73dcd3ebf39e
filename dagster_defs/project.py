"""The dbt project as Dagster runs it: its manifest, its environment, its arguments.

The only module that knows where ``dbt_project`` lies. Add arguments and artefacts of
dbt here, as pure functions where they can be; keep SQL and Dagster's assets out.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

from dagster_dbt import DbtCliResource
from packaging.version import Version

from dagster_defs.builder import PARSE_RESULT, RUN_RESULTS, STAMP
from warehouse.build_window import BuildWindow, project_hash
from warehouse.settings import PROJECT_ROOT, Settings

PROJECT_DIR = PROJECT_ROOT / "dbt_project"
DBT_EXECUTABLE = Path(sys.executable).with_name("dbt")
# Arguments by which Python runs dbt as a builder of the store; -P keeps the folder of
# the project from hiding packages.
BUILDER = ("-P", "-m", "dagster_defs.builder")

# Tests with made-up inputs prove the code, not the data: `make test` runs them.
NOT_BUILT = ("unit_test",)

# dbt runs in two legs: the models' inputs with all that they hang on, then the rest. A
# test runs in the leg after which all that it reads is there.
INPUT_TAG = "model_input"
MODEL_INPUTS = f"+tag:{INPUT_TAG}"
LEG_ENVIRONMENT = {"DBT_INDIRECT_SELECTION": "cautious"}

# What a parse leaves; the rest of the target folder is of one run.
PARSED_FILES = {
    "column_lineage.json",
    "manifest.json",
    STAMP,
    PARSE_RESULT,
}


class DbtError(RuntimeError):
    """dbt cannot read the project; the message holds its first error."""


class WarehouseDbt(DbtCliResource):
    """dbt without the questions that its Dagster resource asks before each run.

    The resource starts ``dbt --version``, which asks the package index for news, and
    opens the database in this process; together they cost five seconds a refresh.
    """

    @cached_property
    def _cli_version(self) -> Version:
        return Version(version("dbt-core"))

    def _initialize_dbt_core_adapter(self, args: object) -> Any:  # noqa: ARG002
        return None


def target_path(settings: Settings) -> Path:
    """Return the folder of dbt's artefacts, one a store."""
    return settings.home / "dbt"


def manifest_path(settings: Settings) -> Path:
    """Return the path of the manifest."""
    return target_path(settings) / "manifest.json"


def environment(settings: Settings) -> dict[str, str]:
    """Return the variables that the dbt profile reads.

    dbt runs in the folder of the store and knows the build by its name there: what it
    has read of the project then serves a copy of the store too.
    """
    return {
        "LUNDONG_BUILD_PATH": settings.build_path.name,
        "LUNDONG_MEMORY_LIMIT": settings.memory_limit,
        "LUNDONG_THREADS": str(settings.threads),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        # Dagster keeps what dbt prints; a second log costs a tenth of dbt's own time.
        "DBT_LOG_LEVEL_FILE": "none",
    }


@contextmanager
def applied_environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set variables while a process is started, which takes them over."""
    former = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in former.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def build_arguments(window: BuildWindow) -> list[str]:
    """Return the arguments of a dbt invocation of a refresh."""
    arguments = ["build"]
    for resource_type in NOT_BUILT:
        arguments += ["--exclude-resource-type", resource_type]
    if window.build_from is None:
        arguments.append("--full-refresh")
    return arguments


def build_variables(
    *, build_from: date | None, as_of_date: date | None
) -> dict[str, str]:
    """Return what the macro ``refresh_var`` reads, as variables of the environment."""
    return {
        "LUNDONG_BUILD_FROM": build_from.isoformat() if build_from else "",
        "LUNDONG_AS_OF_DATE": as_of_date.isoformat() if as_of_date else "",
        # A refresh builds all that is known; the caller's environment has no say.
        "LUNDONG_KNOWN_AT": "",
    }


def call_dbt(
    settings: Settings,
    *arguments: str,
    project_dir: Path,
    folder: Path,
    variables: Mapping[str, str] | None = None,
) -> str | None:
    """Run dbt once, outside of Dagster, and wait for it.

    Parameters
    ----------
    arguments : str
        The command of dbt and its options.
    folder : Path
        Where dbt leaves its files and its log.
    variables : mapping, optional
        More variables of the environment, as ``build_variables`` gives them.

    Returns
    -------
    str or None
        What dbt printed, on one line, where it failed; else None.
    """
    command = [str(DBT_EXECUTABLE), "--quiet", *arguments]
    for option, path in (
        ("--project-dir", project_dir),
        ("--profiles-dir", project_dir),
        ("--target-path", folder),
        ("--log-path", folder),
    ):
        command += [option, str(path)]
    done = subprocess.run(  # noqa: S603
        command,
        cwd=settings.home,
        env={**os.environ, **environment(settings), **(variables or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        return None
    lines = (line.strip() for line in (done.stdout + done.stderr).splitlines())
    return " ".join(line for line in lines if line)


def prepare_manifest(settings: Settings, *, project_dir: Path = PROJECT_DIR) -> Path:
    """Parse the dbt project if its files changed since it was parsed for this store.

    Raises
    ------
    DbtError
        The project cannot be parsed.
    """
    manifest = manifest_path(settings)
    stamp = manifest.with_name(STAMP)
    current = project_stamp(project_dir)
    if manifest.exists() and parsed_stamp(settings) == current:
        return manifest
    manifest.parent.mkdir(parents=True, exist_ok=True)
    # A parse that is interrupted leaves files of two states of the project.
    stamp.unlink(missing_ok=True)
    output = call_dbt(
        settings, "parse", project_dir=project_dir, folder=manifest.parent
    )
    if output is not None:
        raise DbtError(f"dbt cannot read {project_dir}: {output}")
    if project_stamp(project_dir) != current:
        raise DbtError(f"{project_dir} changed while it was read: try again")
    stamp.write_text(current)
    return manifest


def project_stamp(project_dir: Path = PROJECT_DIR) -> str:
    """Return what a parse hangs on: the project's files, and dbt's own macros."""
    versions = (f"{name} {version(name)}" for name in ("dbt-core", "dbt-duckdb"))
    return "\n".join((project_hash(project_dir), *versions))


def parsed_stamp(settings: Settings) -> str | None:
    """Return the stamp of what was read of the project for a store; None: not whole."""
    stamp = target_path(settings) / STAMP
    return stamp.read_text() if stamp.exists() else None


def copy_parsed_project(source: Settings, target: Settings) -> None:
    """Take over what was read of the project for another store."""
    target_path(target).mkdir(parents=True, exist_ok=True)
    for path in target_path(source).glob("*"):
        if path.name in PARSED_FILES:
            shutil.copy2(path, target_path(target))


def keep_run_results(settings: Settings, leg: str) -> None:
    """Keep what dbt says of a leg, which the next one writes over."""
    path = target_path(settings) / RUN_RESULTS
    shutil.copy2(path, path.with_name(f"run_results_{leg}.json"))


def failed_nodes(settings: Settings) -> list[str]:
    """Return one line for each model or test that failed in the last dbt run."""
    path = target_path(settings) / RUN_RESULTS
    if not path.exists():
        return []
    results = json.loads(path.read_text(encoding="utf-8"))["results"]
    lines = []
    for result in results:
        if result["status"] in {"error", "fail", "runtime error"}:
            name = result["unique_id"].split(".")[2]
            lines.append(f"{name}: {' '.join((result['message'] or '').split())}")
    return lines
