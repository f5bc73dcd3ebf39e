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
# Folder of what was read of the project, and the stamp that it must bear.
PARSED = "LUNDONG_PARSED_PROJECT"
STAMPED = "LUNDONG_PARSED_STAMP"
STAMP = "parsed.stamp"
PARSE_RESULT = "partial_parse.msgpack"
RUN_RESULTS = "run_results.json"


def builder_environment(settings: Settings, parsed: Path, stamp: str) -> dict[str, str]:
    """Return the variables by which a builder finds who started it, and the project."""
    return {
        LOCK: str(lock_path(settings)),
        HOLDER: str(os.getpid()),
        PARSED: str(parsed),
        STAMPED: stamp,
        # dbt would write the manifest that it was given, twice.
        "DBT_WRITE_JSON": "false",
    }


def main() -> None:
    """Run dbt when the holder of the lock has registered this process.

    The project is the one that was read when the run began, and not read again to find
    that no file has changed. Whoever reads it anew takes the stamp away first, so that
    what is loaded before the stamp is looked at is whole, and of that stamp.
    """
    path, holder = Path(os.environ[LOCK]), int(os.environ[HOLDER])
    parsed = Path(os.environ[PARSED])
    if not is_registered_builder(path, holder=holder):
        sys.exit(f"process {holder} has ended before dbt began to build")
    # The profile names the build without its folder.
    os.chdir(path.parent)
    content = (parsed / PARSE_RESULT).read_bytes()
    stamp = parsed / STAMP
    if not stamp.exists() or stamp.read_text() != os.environ[STAMPED]:
        sys.exit("the dbt project was read anew while the run began")
    # Results of the leg before must not be taken for those of this one.
    (parsed / RUN_RESULTS).unlink(missing_ok=True)
    # Imported only here: nothing of dbt runs before.
    from dbt.artifacts.schemas.run import RunExecutionResult
    from dbt.cli.main import dbtRunner
    from dbt.contracts.graph.manifest import Manifest

    manifest = Manifest.from_msgpack(content)
    manifest.build_flat_graph()  # type: ignore[no-untyped-call]
    outcome = dbtRunner(manifest).invoke(sys.argv[1:])
    if isinstance(outcome.result, RunExecutionResult):
        outcome.result.write(str(parsed / RUN_RESULTS))
    if outcome.exception is not None:
        sys.exit(str(outcome.exception))
    sys.exit(0 if outcome.success else 1)


if __name__ == "__main__":
    main()
