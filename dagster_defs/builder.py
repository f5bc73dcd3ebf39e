"""dbt as a builder of the store: it starts once the next writer would know of it.

Run as ``python -m dagster_defs.builder``, with dbt's arguments, by a process that holds
the store's lock. Add what must hold before dbt may open the store here; keep dbt's
arguments out, they are ``project``'s.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from warehouse.lock import is_registered_builder, lock_path
from warehouse.settings import Settings

LOCK = "LUNDONG_WRITER_LOCK"
HOLDER = "LUNDONG_WRITER_PID"
# Folder of what was read of the project; dbt writes its artefacts there.
PARSED = "LUNDONG_PARSED_PROJECT"
PARSE_RESULT = "partial_parse.msgpack"
RUN_RESULTS = "run_results.json"


def builder_environment(settings: Settings, parsed: Path) -> dict[str, str]:
    """Return the variables by which a builder finds who started it, and the project."""
    return {
        LOCK: str(lock_path(settings)),
        HOLDER: str(os.getpid()),
        PARSED: str(parsed),
        # dbt would write the manifest that it was given, twice.
        "DBT_WRITE_JSON": "false",
    }


def main() -> None:
    """Run dbt when the holder of the lock has registered this process.

    The project is the one that was read when the run began: reading it again, to find
    that no file has changed, takes as long as forty of its tables.
    """
    path, holder = Path(os.environ[LOCK]), int(os.environ[HOLDER])
    parsed = Path(os.environ[PARSED])
    if not is_registered_builder(path, holder=holder):
        sys.exit(f"process {holder} has ended before dbt began to build")
    # The profile names the build without its folder.
    os.chdir(path.parent)
    # Imported only here: nothing of dbt runs before.
    from dbt.cli.main import dbtRunner
    from dbt.contracts.graph.manifest import Manifest

    manifest = Manifest.from_msgpack((parsed / PARSE_RESULT).read_bytes())
    manifest.build_flat_graph()
    outcome = dbtRunner(manifest).invoke(sys.argv[1:])
    if hasattr(outcome.result, "write"):
        outcome.result.write(str(parsed / RUN_RESULTS))
    sys.exit(0 if outcome.success else 1 if outcome.exception is None else 2)


if __name__ == "__main__":
    main()
