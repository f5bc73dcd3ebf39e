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


def builder_environment(settings: Settings) -> dict[str, str]:
    """Return the variables by which a builder finds the process that started it."""
    return {LOCK: str(lock_path(settings)), HOLDER: str(os.getpid())}


def main() -> None:
    """Run dbt when the holder of the lock has registered this process."""
    path, holder = Path(os.environ[LOCK]), int(os.environ[HOLDER])
    if not is_registered_builder(path, holder=holder):
        sys.exit(f"process {holder} has ended before dbt began to build")
    # The profile names the build without its folder.
    os.chdir(path.parent)
    # Imported only here: nothing of dbt runs before.
    from dbt.cli.main import cli

    sys.argv[0] = "dbt"
    cli()


if __name__ == "__main__":
    main()
